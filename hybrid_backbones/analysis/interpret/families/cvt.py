"""CvT attends to maps of half the size, in its last stage with a class token."""

from ..attention_layouts import CLASS, Layout, Place, attention_layout, whole_maps


@attention_layout('CvT')
def _cvt(place: Place) -> Layout:
    stride = 4 * 2 ** place.numbers[0]
    height, width = place.size(stride)
    first = place.call.q.shape[2] - height * width
    return whole_maps((height, width), stride, reduction=2, tokens=(CLASS,) * first)

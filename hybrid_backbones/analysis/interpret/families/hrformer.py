"""HRFormer attends in windows, stream by stream."""

from ..attention_layouts import Layout, Place, attention_layout, windows


@attention_layout('HRFormer')
def _hrformer(place: Place) -> Layout:
    stride = 4 * 2 ** place.numbers[2]  # stage, module, stream, block
    return windows(place.size(stride), stride, place.backbone.window_size, centred=True)

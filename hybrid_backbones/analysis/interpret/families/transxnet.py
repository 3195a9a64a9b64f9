"""TransXNet attends to maps that its stages reduce."""

from ..attention_layouts import Layout, Place, attention_layout, whole_maps


@attention_layout('TransXNet')
def _transxnet(place: Place) -> Layout:
    stage = place.numbers[0]
    stride = 4 * 2**stage
    return whole_maps(place.size(stride), stride, place.backbone.stages[stage].rel_pos.reduction)

"""Models with channels last give what they give with contiguous maps."""

import copy

import pytest
import torch
from torch import nn

from hybrid_backbones.deploy import fold_model
from hybrid_backbones.openmmlab.channels_last import to_channels_last
from tests.configs.common import build_model, load
from tests.deploy.randomise import randomise
from tests.float64_detectors import nms_of_float64  # noqa: F401, a fixture

LAST = torch.channels_last


class Operator(nn.Module):
    """Reads memory as compiled operators do, without asking for its order."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, 2, 2))

    def forward(self, x, scale):
        for each in (x, scale, self.weight):
            assert each.is_contiguous()
        return x.as_strided(x.shape, torch.empty(x.shape).stride()) * scale


Operator.__module__ = 'mmcv.ops.some'


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.operator = Operator()

    def forward(self, x):
        x = self.conv(x)
        return self.operator(x, scale=torch.ones_like(x))


def test_operators_are_given_contiguous_maps():
    model, x = Model(), torch.randn(2, 3, 9, 7)
    with torch.no_grad():
        before = model(x)
        assert to_channels_last(model) is model
        assert model.conv(x).is_contiguous(memory_format=LAST)
        assert not model.conv(x).is_contiguous()
        torch.testing.assert_close(model(x), before)


def test_other_modules_are_not():
    """Named alike they may be; mmcv.cnn's keep channels last."""
    model = Model()
    model.operator.__class__ = type('Other', (Operator,), dict(__module__='mmcv.opsy'))
    to_channels_last(model)
    with pytest.raises(AssertionError):
        model(torch.randn(2, 3, 9, 7))


def detections(model, data):
    with torch.no_grad():
        return [sample.pred_instances for sample in model(*data(), mode='predict')]


def build(name):
    """In float64, so that rounding chooses no other boxes; everything is detected."""
    cfg = load(name)
    cfg.model.backbone.init_cfg = None
    if 'rpn' in cfg.model.test_cfg:
        cfg.model.test_cfg.rpn.max_per_img = 20
        cfg.model.test_cfg.rcnn.score_thr = 0
    model = randomise(build_model(cfg).eval()).double()
    if model.with_mask:
        model.roi_head.mask_head.predict_by_feat = logits
    return model


def logits(mask_preds, results_list, **options):
    """As the masks, which mmdet can draw in float32 alone."""
    for result, masks in zip(results_list, mask_preds):
        result.masks = masks
    return results_list


def image_and_samples():
    from mmdet.structures import DetDataSample

    size = (96, 128)
    generator = torch.Generator().manual_seed(0)
    shapes = dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0))
    image = torch.randn(1, 3, *size, generator=generator, dtype=torch.float64)
    return image, [DetDataSample(metainfo=shapes)]


@pytest.mark.usefixtures('nms_of_float64')
@pytest.mark.parametrize('folded', [False, True], ids=['unfolded', 'folded'])
@pytest.mark.parametrize('name', ['maskrcnn_uniformer_xxs_1x', 'retinanet_transxnet_t_1x'])
def test_detectors(name, folded):
    """The same boxes, classes, scores and masks by the operators that are here."""
    pytest.importorskip('mmdet')
    model = build(name)
    if folded:
        fold_model(model)
    twin = to_channels_last(copy.deepcopy(model))
    one, other = detections(model, image_and_samples), detections(twin, image_and_samples)
    assert len(one[0]) == len(other[0]) > 5
    for key, value in one[0].items():
        if value.dtype.is_floating_point:
            torch.testing.assert_close(other[0][key], value, rtol=1e-6, atol=1e-6)
        else:
            assert torch.equal(other[0][key], value), key
    image, _ = image_and_samples()
    with torch.no_grad():
        for level, same in zip(twin.backbone(image), model.backbone(image)):
            assert same.is_contiguous()
            torch.testing.assert_close(level, same)
        maps = twin.extract_feat(image)
        assert all(each.is_contiguous(memory_format=LAST) for each in maps)
        if twin.with_neck and hasattr(twin, 'roi_head'):
            given = []
            layer = twin.roi_head.bbox_roi_extractor.roi_layers[0]
            layer.register_forward_pre_hook(lambda module, args: given.append(args[0]))
            layer(maps[0], torch.tensor([[0, 4, 4, 40, 40]], dtype=torch.float64))
            assert given[0].is_contiguous()


@pytest.mark.parametrize('operators', ['torchvision', 'plain'])
def test_our_roi_align_takes_any_order(operators):
    from hybrid_backbones.openmmlab.operators import roi_align, torchvision_kernels

    if operators == 'torchvision' and torchvision_kernels.load() is None:
        pytest.skip("torchvision's kernels do not load here")
    align = (torchvision_kernels if operators == 'torchvision' else roi_align).roi_align_forward
    maps = torch.randn(2, 5, 12, 17)
    boxes = torch.tensor([[0.0, 1, 2, 30, 28], [1, 4, 4, 60, 40]])
    found = []
    for x in (maps, maps.contiguous(memory_format=LAST)):
        output, empty = torch.empty(2, 5, 7, 7), torch.empty(0)
        align(x, boxes, output, empty, empty, 7, 7, 0.25, 0, 1, True)
        found.append(output)
    torch.testing.assert_close(*found)

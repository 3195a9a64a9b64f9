"""Whole models: in MMDetection, and by ``tools/test.py --fold`` as a user runs it."""

import pickle
import re
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import EMAHook
from torch import nn

from hybrid_backbones import UniFormer
from hybrid_backbones.deploy import FoldedBackbone, fold_model
from hybrid_backbones.engine.hooks.fold import FoldHook
from hybrid_backbones.errors import ConfigError
from tests.configs.common import build_model, load
from tests.deploy.randomise import furthest, randomise
from tests.tools.commands import PROJECT, tool

SEGMENTATION = 'semanticfpn_uniformer_xxs_80k_ade20k'
MINI_CLASSES = [13, 41, 114, 119]
DETECTION = 'maskrcnn_uniformer_s_1x'


def test_detector():
    pytest.importorskip('mmdet')
    cfg = load(DETECTION)
    cfg.model.backbone.init_cfg = None
    model = build_model(cfg)
    randomise(model.backbone)
    model.eval()
    image = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        before = model.extract_feat(image)
        assert furthest(fold_model(model).extract_feat(image), before) < 3e-5
    assert isinstance(model.backbone, FoldedBackbone)


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """A segmentor's, with norms that are worth folding."""
    pytest.importorskip('mmseg')
    folder = tmp_path_factory.mktemp('folded')
    cfg = load(SEGMENTATION)
    cfg.model.backbone.init_cfg = None
    model = build_model(cfg)
    randomise(model)
    with torch.no_grad():  # nothing but what the mini images show
        model.decode_head.conv_seg.bias.fill_(-100)
        model.decode_head.conv_seg.bias[MINI_CLASSES] = 0
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, folder / 'some.pth')
    return folder


def test_tool(checkpoint):
    """The same metrics, and the same class almost everywhere, with random weights at that."""
    plain, classes, _ = run_tool(checkpoint)
    folded, folded_classes, output = run_tool(checkpoint, '--fold')
    assert 'The model is folded' in output
    assert folded == pytest.approx(plain, abs=0.02)
    assert max(plain) > 0
    for one, other in zip(classes, folded_classes):
        assert len(one.unique()) > 1
        assert (one == other).float().mean() > 0.999


def run_tool(folder, *flags):
    """The percentages that the tool prints, the predicted classes, and all output."""
    config = PROJECT / 'configs' / f'{SEGMENTATION}.py'
    result = tool(
        folder,
        *('test', config, 'some.pth', '--mini', '--work-dir', 'work', '--out', 'out.pkl', *flags),
        *('--cfg-options', 'test_dataloader.dataset.indices=3'),
    )
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    found = re.search(r'^mIoU ([\d.]+), pixel accuracy ([\d.]+)$', result.stdout, re.M)
    with open(folder / 'out.pkl', 'rb') as file:
        classes = [sample['pred_sem_seg']['data'] for sample in pickle.load(file)]
    return [float(number) for number in found.groups()], classes, output


class Holder(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone


def runner(backbone, *hooks):
    logger = SimpleNamespace(info=print)
    return SimpleNamespace(model=Holder(backbone), hooks=[*hooks, FoldHook()], logger=logger)


def test_hook():
    """The Runner sets the mode after its hooks have been called."""
    asked = runner(UniFormer('xxs', out_indices=(0,)))
    FoldHook().before_run(asked)
    FoldHook().before_test(asked)
    assert isinstance(asked.model.backbone, FoldedBackbone)


def test_hook_inside_of_wrappers():
    """Test-time augmentation keeps the model as ``module``."""
    asked = runner(UniFormer('xxs', out_indices=(0,)))
    asked.model.module, inner = Holder(asked.model.backbone), asked.model.backbone
    del asked.model.backbone
    FoldHook().before_run(asked)
    FoldHook().before_test(asked)
    assert asked.model.module.backbone is not inner
    assert isinstance(asked.model.module.backbone, FoldedBackbone)


def test_hook_refuses():
    with pytest.raises(ConfigError, match='backbones of this package, not a Conv2d'):
        FoldHook().before_run(runner(nn.Conv2d(3, 8, 3)))
    with pytest.raises(ConfigError, match='EMAHook would swap weights'):
        FoldHook().before_run(runner(UniFormer('xxs', out_indices=(0,)), EMAHook()))

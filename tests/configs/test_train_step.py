"""Every recipe takes a training step and predicts with each kind of backbone, on mini data.

Only each family's smallest variant has its full depth here: of the others, every stage has the
few blocks that its attention mode needs. That each arch in full gives every parameter a gradient
is the contract's to test; that its levels are as wide as necks and heads expect, is tested for
all configs in ``test_configs.py``.
"""

import math
import re

import pytest
import torch
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner

from hybrid_backbones import backbones
from hybrid_backbones.synthetic import shrink_config
from tests.configs.common import NAMES, build_model, each_recipe, load, use_scope

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

# these keep their depth: the smallest variant of each family, with the lightest head
WHOLE = re.compile('semanticfpn_(conformer_ti|transxnet_t|cvt_13|uniformer_xxs|hrformer_t)_80k')
FEW_BLOCKS = dict(
    Conformer=dict(depths=(1, 1, 1, 1)),
    TransXNet=dict(depths=(1, 1, 1, 1)),
    CvT=dict(depths=(1, 1, 1)),
    UniFormer=dict(depths=(1, 1, 4, 1)),  # one of four is global in hybrid mode
    HRFormer=dict(modules=(1, 1, 1)),
)


def cut_depth(backbone):
    family = backbone.type.split('.')[1]
    if family in FEW_BLOCKS:
        arch = vars(getattr(backbones, family).archs[backbone.arch])
        backbone.arch = {**arch, **FEW_BLOCKS[family]}


RECIPES = each_recipe()


@pytest.mark.parametrize(
    'name',
    [*RECIPES, *(pytest.param(n, marks=pytest.mark.extended) for n in NAMES if n not in RECIPES)],
)
def test_step_and_prediction(name, mini_root):
    cfg = load(name)
    shrink_config(cfg, mini_root)
    if not WHOLE.match(name):
        cut_depth(cfg.model.backbone)
    cfg.train_dataloader.update(batch_size=2)
    cfg.train_dataloader.dataset.indices = 2
    cfg.val_dataloader.update(batch_size=1)
    cfg.val_dataloader.dataset.indices = 1
    use_scope(cfg)
    model = revert_sync_batchnorm(build_model(cfg))  # the Runner does, on one process

    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    model.train()
    losses = model.train_step(batch, optim_wrapper)
    assert math.isfinite(float(losses['loss']))
    assert losses['loss'] > 0
    stepped = optim_wrapper.optimizer.state
    left = [n for n, p in model.named_parameters() if p.requires_grad and p not in stepped]
    assert not left, 'parameters without a gradient, which DDP would wait for'

    model.eval()
    with torch.no_grad():
        (found,) = model.test_step(next(iter(Runner.build_dataloader(cfg.val_dataloader))))
    if cfg.default_scope == 'mmseg':
        assert found.pred_sem_seg.shape == found.gt_sem_seg.shape
        heads = cfg.model.decode_head
        classes = (heads[-1] if isinstance(heads, list) else heads).num_classes
        assert found.seg_logits.data.shape[0] == classes
    elif cfg.default_scope == 'mmpose':
        assert found.pred_instances.keypoints.shape == (1, 17, 2)
    else:
        boxes = found.pred_instances.bboxes
        assert boxes.shape == (len(boxes), 4)
        assert ('masks' in found.pred_instances) == ('mask_head' in cfg.model.get('roi_head', {}))

"""The ImageNet configs take a training step and predict, on mini data.

Only the smallest variant of each family, and of the light UniFormers, is in the quick tests.
"""

import math

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner

from hybrid_backbones.synthetic import shrink_config
from hybrid_backbones.synthetic.classification import CLASSES
from tests.configs.common import CLASSIFIERS, build_model, load, use_scope
from tests.configs.test_train_step import cut_depth

pytest.importorskip('mmpretrain')

QUICK = (
    'conformer_ti_',
    'transxnet_t_',
    'cvt_13_',
    'uniformer_xxs_',
    'uniformer_s_',
    'hrformer_t_',
)


@pytest.mark.parametrize(
    'name',
    [
        pytest.param(n, marks=() if any(q in n for q in QUICK) else pytest.mark.extended)
        for n in CLASSIFIERS
    ],
)
def test_step_and_prediction(name, mini_root):
    cfg = load(name)
    shrink_config(cfg, mini_root)
    cut_depth(cfg.model.backbone)
    cfg.train_dataloader.update(batch_size=2)
    cfg.train_dataloader.dataset.indices = 2
    cfg.val_dataloader.update(batch_size=1)
    cfg.val_dataloader.dataset.indices = 1
    use_scope(cfg)
    model = build_model(cfg)

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
    assert found.pred_score.sum().item() == pytest.approx(1)
    assert found.pred_label.item() == found.pred_score.argmax().item()
    assert len(found.pred_score) == len(CLASSES)
    assert 0 <= found.gt_label.item() < len(CLASSES)

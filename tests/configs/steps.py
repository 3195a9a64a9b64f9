"""A training step and a prediction of a config, on mini data."""

import math

import torch
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner

from hybrid_backbones import backbones
from hybrid_backbones.synthetic import shrink_config
from tests.configs.common import build_model, load, use_scope

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


def step_and_predict(name, mini_root, whole=False):
    """Take a step, and see that every parameter has learnt; the config, and what is found then."""
    cfg = load(name)
    shrink_config(cfg, mini_root)
    if not whole:
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
    return cfg, found

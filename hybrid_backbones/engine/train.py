"""Training by mmengine's Runner, or the one that the config names."""

import argparse
import logging
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import find_latest_checkpoint

from ..backbones.base import NUM_LEVELS
from ..errors import BatchTooSmallError, ConfigError
from ..weights import allow_mmengine_pickles
from .prepare import prepare
from .runner import build_runner


def train(args: argparse.Namespace) -> None:
    """Train what ``tools/train.py``'s arguments say.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: The pretrained weights cannot be had or do not fit.
    """
    cfg = prepare(args, data_of=('train_dataloader', 'val_dataloader'))
    if args.amp:
        _use_amp(cfg)
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise ConfigError('--auto-scale-lr needs auto_scale_lr.base_batch_size in the config')
        cfg.auto_scale_lr.enable = True
    _check_batch(cfg)
    _resume(cfg, args.resume)
    runner = build_runner(cfg)
    if args.mini:
        print_log('--mini: a tiny drawn dataset, training from random weights', logger='current')
    with allow_mmengine_pickles(), _explained(cfg):
        runner.train()


@contextmanager
def _explained(cfg: Config) -> Iterator[None]:
    """Failures that are of the settings, and do not say of which."""
    try:
        yield
    except ValueError as error:
        if 'need at least one array to concatenate' in str(error):  # from mmengine's datasets
            raise ConfigError(
                'the training set is empty: no picture holds an object of the classes that are '
                'asked for; name those of your annotation file in '
                'train_dataloader.dataset.metainfo.classes'
            ) from None
        if isinstance(error, BatchTooSmallError):
            sampler = 'batch_sampler.' if cfg.train_dataloader.get('batch_sampler') else ''
            raise ConfigError(
                'TransXNet got 1 image alone, as the last batch of an epoch may be: set '
                f'train_dataloader.{sampler}drop_last=True, or model.backbone.norm_eval=True'
            ) from None
        raise


def _check_batch(cfg: Config) -> None:
    """See that TransXNet does not get one image alone, before all is built and loaded."""
    backbone = cfg.model.get('backbone') or {}
    if str(backbone.get('type')).rpartition('.')[2] != 'TransXNet':
        return
    fixed = backbone.get('norm_eval') or backbone.get('frozen_stages', -1) >= NUM_LEVELS
    shared = cfg.get('sync_bn') and cfg.launcher != 'none'
    if cfg.train_dataloader.get('batch_size') == 1 and not (fixed or shared):
        raise ConfigError(
            'TransXNet cannot train with 1 image on a device: set train_dataloader.batch_size to '
            '2 or more, or model.backbone.norm_eval=True'
        )


def _use_amp(cfg: Config) -> None:
    if not torch.cuda.is_available():
        raise ConfigError('--amp needs a GPU, and torch sees none')
    cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')


def _resume(cfg: Config, resume: str) -> None:
    """As in OpenMMLab's tools: a path, or ``'auto'`` for the last checkpoint in the work dir."""
    if resume is None:
        return
    cfg.resume = True
    if resume == 'auto':
        cfg.load_from = None
        if find_latest_checkpoint(cfg.work_dir) is None:
            print_log(
                f'--resume: no checkpoint in {cfg.work_dir} yet, starting from the beginning',
                level=logging.WARNING,
            )
            return
    elif Path(resume).is_file():
        cfg.load_from = resume
    else:
        raise ConfigError(f'--resume: no checkpoint file {resume}')
    cfg.model.backbone.init_cfg = None  # the checkpoint holds the backbone too

"""Training by mmengine's Runner, or the one that the config names."""

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Union

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import find_latest_checkpoint

from ..backbones.base import NUM_LEVELS
from ..backbones.families import families, is_builtin_type
from ..errors import BatchTooSmallError, CheckpointError, ConfigError
from ..weights import allow_mmengine_pickles
from .datasets import check_not_empty
from .prepare import prepare
from .published_start import start_from_published
from .runner import build_runner


def train(
    config: str,
    *,
    work_dir: Optional[str] = None,
    mini: bool = False,
    all_classes: bool = False,
    data_root: Optional[str] = None,
    cfg_options: Optional[Dict[str, Any]] = None,
    launcher: str = 'none',
    amp: bool = False,
    auto_scale_lr: bool = False,
    resume: Union[bool, str] = False,
) -> Path:
    """Train a detector, segmentor or pose estimator.

    Args:
        config: See :func:`hybrid_backbones.engine.prepare.prepare`, as for all that is not here.
        work_dir: See there.
        mini: See there.
        all_classes: See there.
        data_root: See there.
        cfg_options: See there.
        launcher: See there.
        amp: Mixed precision; needs a GPU.
        auto_scale_lr: Scale the learning rate from the config's base batch size to the actual one.
        resume: A checkpoint to resume from, or True for the last one in the work directory.

    Returns:
        The work directory.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: The pretrained weights cannot be had or do not fit.
        ImportError: The library that the config is for is not installed.
    """
    cfg = prepare(
        config,
        data_of=('train_dataloader', 'val_dataloader'),
        mini=mini,
        all_classes=all_classes,
        data_root=data_root,
        cfg_options=cfg_options,
        launcher=launcher,
        work_dir=work_dir,
    )
    if amp:
        _use_amp(cfg)
    if auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise ConfigError('`auto_scale_lr` needs auto_scale_lr.base_batch_size in the config')
        cfg.auto_scale_lr.enable = True
    _check_batch(cfg)
    _resume(cfg, resume)
    notes = [] if cfg.get('resume') else start_from_published(cfg)
    runner = build_runner(cfg)
    for note in notes:
        print_log(note, logger='current')
    if mini:
        print_log('training on a small synthetic dataset, from random weights', logger='current')
    with allow_mmengine_pickles(), _explained(cfg, runner):
        runner.train()
    return Path(runner.work_dir)


@contextmanager
def _explained(cfg: Config, runner: Any) -> Iterator[None]:
    """Failures that come from the settings, and do not say from which."""
    try:
        yield
    except (ConfigError, CheckpointError):
        raise
    except BatchTooSmallError:
        sampler = 'batch_sampler.' if cfg.train_dataloader.get('batch_sampler') else ''
        raise ConfigError(
            f'{_family(cfg)} got a batch of 1 image, which may be the last one of an epoch: set '
            f'train_dataloader.{sampler}drop_last=True, or model.backbone.norm_eval=True'
        ) from None
    except ValueError:
        if not runner.message_hub.get_info('iter'):  # runner.iter would build the dataset again
            check_not_empty(cfg, ('train_dataloader', 'val_dataloader'))
        raise


def _check_batch(cfg: Config) -> None:
    """See that a device gets enough images at a time, before all is built and loaded."""
    backbone = cfg.model.get('backbone') or {}
    if not is_builtin_type(backbone.get('type')):
        return
    least = families()[_family(cfg)].min_images_per_device
    fixed = backbone.get('norm_eval') or backbone.get('frozen_stages', -1) >= NUM_LEVELS
    shared = cfg.get('sync_bn') and cfg.launcher != 'none'
    if cfg.train_dataloader.get('batch_size', least) < least and not (fixed or shared):
        raise ConfigError(
            f'{_family(cfg)} needs {least} images on a device to train: set '
            f'train_dataloader.batch_size to {least} or more, or model.backbone.norm_eval=True'
        )


def _family(cfg: Config) -> str:
    return str((cfg.model.get('backbone') or {}).get('type')).rpartition('.')[2]


def _use_amp(cfg: Config) -> None:
    if not torch.cuda.is_available():
        raise ConfigError('`amp` needs a GPU, and torch sees none')
    cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')


def _resume(cfg: Config, resume: Union[bool, str]) -> None:
    """As in OpenMMLab's tools: a path, or True for the last checkpoint in the work dir."""
    if not resume:
        return
    cfg.resume = True
    if resume is True:
        cfg.load_from = None
        if find_latest_checkpoint(cfg.work_dir) is None:
            print_log(
                f'no checkpoint in {cfg.work_dir} yet to resume from: starting from the beginning',
                level=logging.WARNING,
            )
            return
    elif Path(resume).is_file():
        cfg.load_from = resume
    else:
        raise ConfigError(f'`resume`: no checkpoint file {resume}')
    cfg.model.backbone.init_cfg = None  # the checkpoint holds the backbone too

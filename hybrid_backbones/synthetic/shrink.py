"""The rule behind ``mini=True``: the same experiment on a tiny set, in minutes on a CPU.

It changes data, image scale and schedule, and what makes learning from random weights fast
(learning rate, fewer sampled regions, nothing pretrained and so nothing frozen). Model, losses,
augmentations, hooks and metrics stay what the config says.
"""

from pathlib import Path
from typing import Tuple

from mmengine.config import Config, ConfigDict

from ..config.traverse import backbones_in, kind_of, map_numbers
from ..errors import ConfigError
from ..openmmlab.library import library_of
from .shrink_classification import shrink_classification
from .shrink_detection import shrink_detection
from .shrink_pose import shrink_pose
from .shrink_segmentation import shrink_segmentation

MINI_ROOT = Path('data/mini')
MAX_EPOCHS = dict(mmdet=8, mmpose=12, mmpretrain=10)  # of 30 or 38 iterations each
MAX_ITERS = 300  # of schedules that count iterations
BATCH_SIZE = dict(mmdet=4, mmseg=4, mmpose=8, mmpretrain=16)
WARMUP_ITERS = 40
# of Adam and AdamW; recipes fine-tune, or have large batches
LEARNING_RATE = dict(mmdet=4e-4, mmseg=4e-4, mmpose=5e-4, mmpretrain=1e-3)
CLIP_NORM = 5.0


def apply_mini(cfg: Config, mini: bool, all_classes: bool) -> None:
    """Shrink a config as the settings ``mini`` and ``all_classes`` say, below the usual folder.

    Raises:
        ConfigError: The second is set without the first, or see :func:`shrink_config`.
    """
    if all_classes and not mini:
        raise ConfigError('`all_classes` is a setting of `mini=True`')
    if mini:
        shrink_config(cfg, MINI_ROOT, all_classes=all_classes)


def shrink_config(cfg: Config, root: Path, length: float = 1.0, all_classes: bool = False) -> None:
    """Change ``cfg`` in place; the set is written below ``root`` if it is not there.

    Args:
        cfg: Of a detector, segmentor, pose estimator or classifier.
        root: Folder of all mini sets.
        length: Of the training, as a fraction of the usual mini training.
        all_classes: Keep the classes of the config's dataset, so that a model that was trained on
            it can be loaded. Semantic segmentation and poses keep them anyway.

    Raises:
        ConfigError: There is no mini set for the config's task or dataset.
    """
    library = library_of(cfg)
    if library == 'mmdet':
        shrink_detection(cfg, Path(root), all_classes)
    elif library == 'mmseg':
        shrink_segmentation(cfg, Path(root))
    elif library == 'mmpretrain':
        shrink_classification(cfg, Path(root), all_classes)
    else:
        shrink_pose(cfg, Path(root))
    for part in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(part):
            # loading is so little work here that processes of its own would cost more
            cfg[part].update(num_workers=0, persistent_workers=False)
    for backbone in backbones_in(cfg.model):
        _release(backbone)
    if cfg.get('train_dataloader') and cfg.get('train_cfg'):
        cfg.train_dataloader.batch_size = BATCH_SIZE[library]
        _shrink_schedule(cfg, length)


def _release(backbone: ConfigDict) -> None:
    """Random weights are neither worth freezing, nor are their statistics."""
    backbone.pop('init_cfg', None)
    backbone.pop('frozen_stages', None)
    backbone.pop('norm_eval', None)


def _shrink_schedule(cfg: Config, length: float) -> None:
    unit, full, most = _extent(cfg)
    shrunk = max(round(most * length), 1)
    cfg.train_cfg.update({unit: shrunk, 'val_interval': max(shrunk // 2, 1)})
    by_epoch = unit == 'max_epochs'
    schedulers = cfg.get('param_scheduler') or []
    schedulers = schedulers if isinstance(schedulers, (list, tuple)) else [schedulers]
    warmups = {id(s): s.end for s in schedulers if _is_warmup(s)}
    for scheduler in schedulers:
        if _is_warmup_of_epochs(scheduler):
            scheduler.pop('convert_to_iter_based')
            scheduler.update(by_epoch=False, end=WARMUP_ITERS)
        elif id(scheduler) in warmups:
            scheduler.end = min(scheduler.end, WARMUP_ITERS)
        elif scheduler.get('by_epoch', True) == by_epoch:
            _shrink_scheduler(scheduler, shrunk / full, tuple(warmups.values()))
    optimizer = cfg.optim_wrapper.optimizer
    if kind_of(optimizer) in ('Adam', 'AdamW'):
        optimizer.lr = LEARNING_RATE[cfg.default_scope]
    cfg.optim_wrapper.clip_grad = dict(max_norm=CLIP_NORM, norm_type=2)
    interval = 1 if by_epoch and shrunk <= 10 else max(shrunk // 2, 1)
    hooks = dict(cfg.get('default_hooks') or {})
    checkpoint = hooks.get('checkpoint') or dict(type='CheckpointHook', by_epoch=by_epoch)
    logger = hooks.get('logger') or dict(type='LoggerHook')
    hooks['checkpoint'] = dict(checkpoint, interval=interval, max_keep_ckpts=2)
    hooks['logger'] = dict(logger, interval=10)
    cfg.default_hooks = hooks


def _is_warmup(scheduler: ConfigDict) -> bool:
    return kind_of(scheduler) == 'LinearLR' and not scheduler.get('by_epoch', True)


def _is_warmup_of_epochs(scheduler: ConfigDict) -> bool:
    return kind_of(scheduler) == 'LinearLR' and scheduler.get('convert_to_iter_based', False)


def _extent(cfg: Config) -> Tuple[str, int, int]:
    """What a schedule counts in, how many of these it has, and how many it gets at most."""
    full = cfg.train_cfg.get('max_epochs')
    if full:
        return 'max_epochs', full, min(MAX_EPOCHS.get(cfg.default_scope, full), full)
    full = cfg.train_cfg.get('max_iters')
    if not full:
        raise ConfigError('`mini=True` needs max_epochs or max_iters in train_cfg')
    return 'max_iters', full, min(MAX_ITERS, full)


def _shrink_scheduler(scheduler: ConfigDict, share: float, warmups: Tuple[int, ...]) -> None:
    """Steps come at the same fractions of the schedule; what follows a warm-up still does."""
    begin = scheduler.get('begin', 0)
    for key in ('begin', 'end', 'T_max', 'milestones'):
        if key in scheduler:
            scheduler[key] = map_numbers(scheduler[key], lambda n: round(n * share))
    if begin in warmups:
        scheduler.begin = WARMUP_ITERS
        if 'T_max' in scheduler:
            scheduler.T_max = scheduler.end - WARMUP_ITERS

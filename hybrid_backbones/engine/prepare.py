"""A config, made ready for mmengine's Runner on this machine."""

from importlib import import_module
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import torch
from mmengine.config import Config

from ..config.check_types import check_types
from ..config.class_order import check_class_order
from ..config.data import check_data, check_one_root, relocate
from ..config.load import override
from ..config.traverse import kind_of, walk
from ..openmmlab.library import LIBRARIES
from ..openmmlab.safe_loading import load_safely
from ..synthetic.shrink import apply_mini
from ..zoo.configs import read_config


def prepare(
    config: str,
    *,
    data_of: Tuple[str, ...],
    mini: bool = False,
    all_classes: bool = False,
    data_root: Optional[str] = None,
    cfg_options: Optional[Dict[str, Any]] = None,
    launcher: str = 'none',
    work_dir: Optional[str] = None,
) -> Config:
    """Read a config and apply what training and testing have in common.

    Args:
        config: Path of a file, name of a built-in config, or ``mmdet::...``.
        data_of: The dataloaders that will be used.
        mini: Use a small synthetic dataset.
        all_classes: With ``mini``: keep the classes of the config's dataset, for models that were
            trained on it.
        data_root: Folder of the dataset, in place of the config's.
        cfg_options: Settings to change, applied last, as in ``{'train_cfg.max_epochs': 3}``.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        work_dir: For logs and checkpoints; the default is the config's, or ``work_dirs/CONFIG``.

    Raises:
        ConfigError: The config, an option or the data is not usable.
        ImportError: The library that the config is for is not installed.
    """
    load_safely()
    cfg = read_config(config)
    if cfg.get('default_scope') in LIBRARIES:
        import_module(cfg.default_scope)
    apply_mini(cfg, mini, all_classes)
    if data_root:
        check_one_root(cfg)
        relocate(cfg, data_root)
    override(cfg, cfg_options)
    check_types(cfg)
    check_data(cfg, data_of)
    check_class_order(cfg, data_of)
    cfg.launcher = launcher
    cfg.work_dir = work_dir or cfg.get('work_dir') or f'work_dirs/{Path(config).stem}'
    if launcher == 'pytorch' and not torch.cuda.is_available():
        _distribute_on_cpu(cfg)
    return cfg


def _distribute_on_cpu(cfg: Config) -> None:
    """mmengine starts NCCL and names a GPU for each process; without GPUs start gloo ourselves."""
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    cfg.pop('sync_bn', None)  # batch norms over all processes are for GPUs
    for _, part in walk(cfg.model):
        if kind_of(part) == 'SyncBN':
            part.type = 'BN'
    cfg.model_wrapper_cfg = dict(
        type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False
    )

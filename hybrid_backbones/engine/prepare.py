"""From the arguments of a tool to a config that mmengine's Runner can run on this machine."""

import argparse
from pathlib import Path
from typing import Tuple

import torch
from mmengine.config import Config

from ..config.class_order import check_class_order
from ..config.data import check_data, relocate
from ..config.load import load_config, override
from ..config.traverse import dicts
from ..openmmlab.torchvision import repair_torchvision
from ..synthetic.shrink import MINI_ROOT, shrink_config


def prepare(args: argparse.Namespace, data_of: Tuple[str, ...]) -> Config:
    """Read the config and apply what training and testing have in common.

    Args:
        args: See ``cli.add_common_arguments``.
        data_of: The dataloaders that will be used.

    Raises:
        ConfigError: The config, an option or the data is not usable.
    """
    repair_torchvision()
    cfg = load_config(args.config)
    if args.mini:
        shrink_config(cfg, MINI_ROOT)
    if args.data_root:
        relocate(cfg, args.data_root)
    override(cfg, args.cfg_options)
    check_data(cfg, data_of)
    check_class_order(cfg, data_of)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or f'work_dirs/{Path(args.config).stem}'
    if args.launcher == 'pytorch' and not torch.cuda.is_available():
        _distribute_on_cpu(cfg)
    return cfg


def _distribute_on_cpu(cfg: Config) -> None:
    """mmengine starts NCCL and names a GPU for each process; without GPUs start gloo ourselves."""
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    cfg.pop('sync_bn', None)  # batch norms over all processes are for GPUs
    for part in dicts(cfg.model):
        if part.get('type') == 'SyncBN':
            part.type = 'BN'
    cfg.model_wrapper_cfg = dict(
        type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False
    )

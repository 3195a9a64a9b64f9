"""Everything that a config says: its model's parts, data, schedule and optimizer."""

import warnings
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from mmengine.config import Config
from torch import nn

from ...complexity.backbone import count_parameters
from ...complexity.model import model_cost
from ...complexity.parts import layers_of
from ...config.data import datasets
from ...openmmlab.build import build_on_meta
from ...zoo.configs import list_models, read_config
from .backbone import metrics


def describe_config(name: str, size: Optional[Tuple[int, int]] = None) -> Dict[str, Any]:
    """What a config trains, on what, for how long and how.

    Args:
        name: As :func:`hybrid_backbones.zoo.configs.read_config` takes it.
        size: Height and width of the image that operations are counted for; the default is what
            is usual for the task.

    Returns:
        Numbers, strings, lists and dicts that JSON can hold; None for what the config does not
        say. ``flops`` are multiply-adds, None where the model does not run without real numbers.

    Raises:
        ConfigError: The config cannot be read, or its model cannot be built.
    """
    cfg = read_config(name)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the libraries' to those who write configs
        model = build_on_meta(cfg, name)
        flops, counted_for = _flops(cfg, size)
    params = count_parameters(model)
    return dict(
        kind='config',
        name=Path(name).stem,
        library=cfg.default_scope,
        model=cfg.model.type,
        params=params,
        flops=flops,
        size=counted_for,
        parts=_parts(model, params),
        backbone=_backbone(cfg, model),
        data=_data(cfg),
        schedule=_schedule(cfg),
        batch=_batch(cfg),
        optimizer=_optimizer(cfg),
        **_published(Path(name).stem),
    )


def _flops(
    cfg: Config, size: Optional[Tuple[int, int]]
) -> Tuple[Optional[int], Optional[List[int]]]:
    try:
        cost = model_cost(cfg, size)
    except Exception:  # a model of others may need real numbers, or more than images
        return None, size and list(size)
    return cost.flops, list(cost.size)


def _parts(model: nn.Module, params: int) -> List[Dict[str, Any]]:
    parts: List[Dict[str, Any]] = [
        dict(name=name, layers=_layers(part), params=count_parameters(part))
        for name, part in _named_parts(model)
    ]
    rest = params - sum(part['params'] for part in parts)
    parts.append(dict(name='the rest', layers='', params=rest))
    return [part for part in parts if part['params']]


def _named_parts(model: nn.Module) -> Iterator[Tuple[str, nn.Module]]:
    for name, child in model.named_children():
        if name == 'roi_head':
            yield from child.named_children()
        else:
            yield name, child


def _layers(part: nn.Module) -> str:
    return layers_of(part) if isinstance(part, nn.ModuleList) else type(part).__name__


def _backbone(cfg: Config, model: nn.Module) -> Dict[str, Any]:
    backbone = cfg.model.get('backbone') or {}
    built = getattr(model, 'backbone', None)
    arch = backbone.get('arch')
    return dict(
        type=str(backbone.get('type')),
        arch=arch if isinstance(arch, (str, type(None))) else 'its own',
        channels=_listed(getattr(built, 'out_channels', None)),
        strides=_listed(getattr(built, 'out_strides', None)),
        weights=(backbone.get('init_cfg') or {}).get('checkpoint'),
    )


def _listed(value: Any) -> Optional[List[Any]]:
    return list(value) if isinstance(value, (list, tuple)) else None


def _data(cfg: Config) -> Dict[str, Any]:
    train = [dataset for part, dataset in datasets(cfg) if part == 'train_dataloader']
    first = train[0] if train else {}
    evaluators = cfg.get('test_evaluator') or cfg.get('val_evaluator') or []
    evaluators = evaluators if isinstance(evaluators, (list, tuple)) else [evaluators]
    return dict(
        dataset=str(first['type']) if first else None,
        root=first.get('data_root'),
        train=first.get('ann_file') or (first.get('data_prefix') or {}).get('img_path'),
        metrics=[_metric(evaluator) for evaluator in evaluators],
    )


def _metric(evaluator: Dict[str, Any]) -> str:
    kinds = evaluator.get('metric') or evaluator.get('iou_metrics') or []
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    return _with_details(evaluator.get('type'), kinds)


def _schedule(cfg: Config) -> Dict[str, Any]:
    loop = cfg.get('train_cfg') or {}
    unit = next((unit for unit in ('epochs', 'iters') if loop.get(f'max_{unit}')), None)
    schedulers = cfg.get('param_scheduler') or []
    schedulers = schedulers if isinstance(schedulers, (list, tuple)) else [schedulers]
    return dict(
        length=loop.get(f'max_{unit}'),
        unit=unit,
        validate_every=loop.get('val_interval'),
        policy=[_policy(scheduler) for scheduler in schedulers],
    )


def _policy(scheduler: Dict[str, Any]) -> str:
    """A scheduler in words, as in ``'MultiStepLR epochs 0-12 (milestones [8, 11], gamma 0.1)'``."""
    unit = 'epochs' if scheduler.get('by_epoch', True) else 'iters'
    extent = f' {unit} {scheduler.get("begin", 0)}-{scheduler.get("end", "")}'
    known = ('start_factor', 'milestones', 'gamma', 'power', 'T_max', 'eta_min')
    more = [f'{key} {scheduler[key]}' for key in known if scheduler.get(key)]
    return _with_details(f'{scheduler.get("type")}{extent}', more)


def _with_details(what: Any, details: List[str]) -> str:
    return f'{what} ({", ".join(details)})' if details else str(what)


def _batch(cfg: Config) -> Dict[str, Optional[int]]:
    """Images to a GPU, and how many GPUs the learning rate is meant for."""
    each = (cfg.get('train_dataloader') or {}).get('batch_size')
    total = (cfg.get('auto_scale_lr') or {}).get('base_batch_size')
    gpus = total // each if each and total and total % each == 0 else None
    return dict(per_gpu=each, gpus=gpus, total=total)


def _optimizer(cfg: Config) -> Dict[str, Any]:
    wrapper = cfg.get('optim_wrapper') or {}
    optimizer = wrapper.get('optimizer') or {}
    kind = optimizer.get('type')
    clip = wrapper.get('clip_grad') or {}
    return dict(
        type=kind and str(kind),
        lr=optimizer.get('lr'),
        weight_decay=optimizer.get('weight_decay'),
        wrapper=str(wrapper.get('type', 'OptimWrapper')),
        clip_norm=clip.get('max_norm'),
    )


def _published(name: str) -> Dict[str, Any]:
    """From the metafiles of the built-in configs."""
    model = next((model for model in list_models() if model['Name'] == name), {})
    return dict(
        published=metrics(model),
        source=model.get('Source'),
        published_weights=model.get('Published Weights'),
        reproduced=model.get('Reproduced'),
    )

"""The rule behind ``--mini``: the same experiment on a tiny set, in minutes on a CPU.

It changes data, classes, picture scale and schedule, and what makes learning from random weights
fast (learning rate, fewer sampled regions, no pretrained weights). Model, losses, augmentations,
hooks and metrics stay what the config says.
"""

from pathlib import Path
from typing import Any, Callable, Iterator

from mmengine.config import Config, ConfigDict

from ..engine.settings import SettingsError, datasets, relocate
from .coco import write_coco
from .scenes import SHAPES

SCALE = 128 / 800  # of every size in the pipelines: COCO's short side of 800 becomes 128 pixels
BATCH_SIZE = 4
MAX_EPOCHS = 8  # of 38 iterations
WARMUP_ITERS = 40
LEARNING_RATE = 4e-4  # for Adam and AdamW; recipes fine-tune with less
CLIP_NORM = 5.0
SAMPLED_REGIONS = 16  # per picture in the second stage; the mask head sees at most a quarter
PROPOSALS = dict(nms_pre=500, max_per_img=200)
DETECTIONS = 20  # per picture; no mini picture holds more than six objects


def shrink_config(cfg: Config, root: Path) -> None:
    """Change ``cfg`` in place; the set is written below ``root`` if it is not there.

    Raises:
        SettingsError: There is no mini set for the config's task.
    """
    scope = cfg.get('default_scope')
    if scope != 'mmdet':
        raise SettingsError(f'--mini knows detection configs (default_scope mmdet), not {scope!r}')
    _shrink_data(cfg, write_coco(Path(root) / 'coco'))
    _shrink_schedule(cfg)
    _shrink_detector(cfg.model)


def _shrink_data(cfg: Config, root: Path) -> None:
    relocate(cfg, root)
    for part, dataset in datasets(cfg):
        split = 'train2017' if part.startswith('train') else 'val2017'
        dataset.type = 'CocoDataset'
        dataset.ann_file = f'annotations/instances_{split}.json'
        dataset.data_prefix = dict(img=f'{split}/')
        dataset.metainfo = dict(classes=SHAPES)
        if 'filter_cfg' in dataset:
            dataset.filter_cfg.pop('min_size', None)
        for transform in _dicts(dataset.pipeline):
            _shrink_transform(transform)
    for part in ('val_evaluator', 'test_evaluator'):
        for metric in _dicts(cfg.get(part)):
            if 'ann_file' in metric:
                metric.ann_file = str(root / 'annotations' / 'instances_val2017.json')
    for part in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        # loading is so little work here that processes of its own would cost more
        cfg[part].update(num_workers=0, persistent_workers=False)
    cfg.train_dataloader.batch_size = BATCH_SIZE


def _shrink_transform(transform: ConfigDict) -> None:
    for key in ('scale', 'scales', 'img_scale', 'crop_size'):
        if key in transform and not _is_ratio(transform[key]):
            transform[key] = _map_numbers(transform[key], lambda n: max(round(n * SCALE), 32))


def _shrink_schedule(cfg: Config) -> None:
    full = cfg.train_cfg.get('max_epochs')
    if not full:
        raise SettingsError('--mini shrinks schedules of epochs; this config counts iterations')
    epochs = min(MAX_EPOCHS, full)
    cfg.train_cfg.update(max_epochs=epochs, val_interval=max(epochs // 2, 1))
    for scheduler in cfg.param_scheduler:
        if scheduler.get('by_epoch', True):
            for key in ('begin', 'end', 'T_max', 'milestones'):
                if key in scheduler:
                    scheduler[key] = _map_numbers(
                        scheduler[key], lambda n: round(n * epochs / full)
                    )
        elif scheduler.get('end', 0) > WARMUP_ITERS:
            scheduler.end = WARMUP_ITERS
    optimizer = cfg.optim_wrapper.optimizer
    if optimizer.type in ('Adam', 'AdamW'):
        optimizer.lr = LEARNING_RATE
    cfg.optim_wrapper.clip_grad = dict(max_norm=CLIP_NORM, norm_type=2)
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=2)
    cfg.default_hooks.logger.interval = 10


def _shrink_detector(model: ConfigDict) -> None:
    for part in _dicts(model):
        if 'num_classes' in part:
            part.num_classes = len(SHAPES)
    model.backbone.pop('init_cfg', None)
    train, test = model.get('train_cfg') or {}, model.get('test_cfg') or {}
    for proposals in (train.get('rpn_proposal'), test.get('rpn')):
        if proposals:
            proposals.update(PROPOSALS)
    for detections in (test, test.get('rcnn')):
        if detections and 'max_per_img' in detections:
            detections.max_per_img = DETECTIONS
    for stage in _dicts(train.get('rcnn')):
        if stage.get('type') == 'RandomSampler':
            stage.num = SAMPLED_REGIONS


def _dicts(node: Any) -> Iterator[ConfigDict]:
    """Every dict in a tree of dicts and lists, itself included."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from _dicts(child)


def _is_ratio(value: Any) -> bool:
    """Whether sizes are given as fractions of the picture."""
    numbers = []
    _map_numbers(value, numbers.append)
    return any(number < 10 for number in numbers)


def _map_numbers(value: Any, change: Callable) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_map_numbers(v, change) for v in value)
    return change(value)

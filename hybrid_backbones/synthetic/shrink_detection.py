"""The synthetic dataset for MMDetection: three drawn classes in COCO's format."""

from pathlib import Path
from typing import Any, Sequence

from mmengine.config import Config, ConfigDict

from ..config.data import datasets, relocate
from ..config.traverse import kind_of, scale_sizes, walk
from ..errors import ConfigError
from ..openmmlab.dataset_class import classes_of
from .coco import write_coco
from .scenes import SHAPES

SCALE = 128 / 800  # of every size in the pipelines: COCO's short side of 800 becomes 128 pixels
SAMPLED_REGIONS = 16  # per image in the second stage; the mask head sees at most a quarter
PROPOSALS = dict(nms_pre=500, max_per_img=200)
DETECTIONS = 20  # per image; no mini image holds more than six objects


def shrink_detection(cfg: Config, root: Path, all_classes: bool = False) -> None:
    """Change data and model in place; see :func:`hybrid_backbones.synthetic.shrink_config`."""
    classes = _all_classes(cfg) if all_classes else SHAPES
    root = write_coco(root / f'coco_{len(classes)}' if all_classes else root / 'coco', 0, classes)
    relocate(cfg, root)
    for part, dataset in datasets(cfg):
        split = 'train2017' if part.startswith('train') else 'val2017'
        dataset.type = 'CocoDataset'
        dataset.ann_file = f'annotations/instances_{split}.json'
        dataset.data_prefix = dict(img=f'{split}/')
        dataset.metainfo = dict(classes=tuple(classes))
        if 'filter_cfg' in dataset:
            dataset.filter_cfg.pop('min_size', None)
        scale_sizes(dataset.pipeline, SCALE)
    for part in ('val_evaluator', 'test_evaluator'):
        for _, metric in walk(cfg.get(part)):
            if 'ann_file' in metric:
                metric.ann_file = str(root / 'annotations' / 'instances_val2017.json')
    _shrink_detector(cfg.model, len(classes))


def _all_classes(cfg: Config) -> Sequence[str]:
    """Those that the config's training set has: the model's class layers keep their sizes."""
    for part, dataset in datasets(cfg):
        if part == 'train_dataloader':
            names = classes_of(cfg, dataset, 'train_dataloader.dataset.metainfo.classes')
            if names:
                return names
    raise ConfigError('`all_classes` takes them from train_dataloader, which names none')


def _shrink_detector(model: ConfigDict, classes: int) -> None:
    for _, part in walk(model):
        if 'num_classes' in part:
            part.num_classes = classes
    train: Any = model.get('train_cfg') or {}
    test: Any = model.get('test_cfg') or {}
    for proposals in (train.get('rpn_proposal'), test.get('rpn')):
        if proposals:
            proposals.update(PROPOSALS)
    for detections in (test, test.get('rcnn')):
        if detections and 'max_per_img' in detections:
            detections.max_per_img = DETECTIONS
    for _, stage in walk(train.get('rcnn')):
        if kind_of(stage) == 'RandomSampler':
            stage.num = SAMPLED_REGIONS

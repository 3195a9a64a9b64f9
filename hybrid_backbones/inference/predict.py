"""Predicting on pictures: drawn beside the original, and as JSON."""

import argparse
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional

import torch
from mmengine.config import Config
from rich.progress import Progress
from torch import nn

from ..config.data import datasets
from ..config.load import override
from ..errors import ConfigError
from ..openmmlab.build import build_on_meta
from ..openmmlab.check_fit import check_fit
from ..openmmlab.torchvision import repair_torchvision
from ..synthetic import shrink_config
from ..synthetic.shrink import MINI_ROOT
from ..weights import read_checkpoint
from ..zoo.configs import read_config
from .images import find_pictures, output_names, problem_of
from .inferencers import DRAWN_FROM, OPACITY, TASKS, Segment
from .outputs import PredictionWriter
from .person_boxes import PrecomputedBoxes

VISUALIZERS = dict(
    mmdet=dict(type='DetLocalVisualizer', alpha=OPACITY),
    mmseg=dict(type='SegLocalVisualizer'),
    mmpose=dict(type='PoseLocalVisualizer'),
)


@dataclass
class Predicted:
    """What has been done.

    Args:
        folder: Where the results are.
        pictures: How many pictures have results.
        skipped: What is wrong with the others.
    """

    folder: Path
    pictures: int = 0
    skipped: Dict[Path, str] = field(default_factory=dict)


def predict(args: argparse.Namespace) -> Predicted:
    """Do what ``tools/predict.py``'s arguments say.

    Raises:
        ConfigError: A setting cannot work, or there is no picture that can be read.
        CheckpointError: The checkpoint cannot be read.
    """
    repair_torchvision()
    pictures = find_pictures(args.pictures)
    if not Path(args.checkpoint).is_file():
        raise ConfigError(f'no checkpoint file {args.checkpoint}')
    cfg = _config(args)
    boxes = _boxes(args, cfg, pictures)
    done = Predicted(_folder(args))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the libraries' to those who write configs
        task = _task(args, cfg, boxes)
        if args.fold:
            _fold(task.inferencer.model)
        _predict_all(task, pictures, done)
    if not done.pictures:
        reasons = ', '.join(f'{path.name}: {reason}' for path, reason in done.skipped.items())
        raise ConfigError(f'no picture that can be read: {reasons}')
    for path, reason in done.skipped.items():
        print(f'skipped {path}: {reason}', file=sys.stderr)
    for line in _summary(done):
        print(line)
    return done


def _summary(done: Predicted) -> List[str]:
    names = 'picture' if done.pictures == 1 else 'pictures'
    lines = [
        f'{done.pictures} {names} beside what is predicted in {done.folder / "vis"}',
        f'predictions in {done.folder / "preds"}',
    ]
    if done.skipped:
        lines.append(f'{len(done.skipped)} of {done.pictures + len(done.skipped)} files skipped')
    return lines


def _config(args: argparse.Namespace) -> Config:
    cfg = read_config(args.config)
    if cfg.get('default_scope') not in TASKS:
        raise ConfigError(
            f'{args.config}: default_scope must be one of {", ".join(TASKS)}, '
            f'got {cfg.get("default_scope")!r}'
        )
    if not cfg.get('model') or not cfg.get('test_dataloader'):
        raise ConfigError(f'{args.config} has no model, or no test_dataloader with its pipeline')
    if args.mini:
        shrink_config(cfg, MINI_ROOT)
    override(cfg, args.cfg_options)
    backbone = cfg.model.get('backbone')
    if backbone:
        backbone.init_cfg = None  # the checkpoint holds the backbone too
    if cfg.default_scope == 'mmpose':
        _say_what_poses_are_of(cfg)
    # no backends: what is drawn is written here
    cfg.visualizer = dict(VISUALIZERS[cfg.default_scope], name='predictions')
    return cfg


def _say_what_poses_are_of(cfg: Config) -> None:
    """MMPose's inferencers look for these at the top of a config, where not all have them."""
    for part, dataset in datasets(cfg):
        if part == 'test_dataloader':
            cfg.setdefault('data_mode', dataset.get('data_mode', 'topdown'))
            cfg.setdefault('dataset_type', dataset.type)


def _boxes(
    args: argparse.Namespace, cfg: Config, pictures: List[Path]
) -> Optional[PrecomputedBoxes]:
    top_down = cfg.default_scope == 'mmpose' and cfg.data_mode == 'topdown'
    if not args.bboxes:
        if top_down:
            print('no --bboxes: each picture as a whole is taken for one person')
        return None
    if not top_down:
        raise ConfigError('--bboxes are for poses, top-down: other models find what there is')
    boxes = PrecomputedBoxes(args.bboxes)
    boxes.check(pictures)
    return boxes


def _folder(args: argparse.Namespace) -> Path:
    folder = Path(args.out or f'work_dirs/{Path(args.config).stem}/predictions')
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f'--out takes a folder, {folder} is a file')
    return folder


def _task(args: argparse.Namespace, cfg: Config, boxes: Optional[PrecomputedBoxes]) -> Any:
    scope = cfg.default_scope
    if scope == 'mmseg' and args.score_thr is not None:
        raise ConfigError(
            '--score-thr is for boxes and joints: a segmentor has one class for each pixel'
        )
    threshold = DRAWN_FROM if args.score_thr is None else args.score_thr
    device = _device(args.device)
    read = read_checkpoint(args.checkpoint)
    check_fit(build_on_meta(cfg, args.config), read.state, read.name)
    more = [boxes] if scope == 'mmpose' else []
    return TASKS[scope](cfg, read, device, threshold, *more)


def _device(name: Optional[str]) -> Optional[str]:
    if name is None:
        return None  # the inferencers take a GPU if there is one
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f'--device takes cpu, cuda or cuda:1, not {name!r}') from None
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f'--device {name}: torch sees {torch.cuda.device_count() or "no"} GPUs here'
        )
    return name


def _fold(model: nn.Module) -> None:
    from ..deploy import fold_model  # only here: it imports every family

    try:
        fold_model(model)
    except TypeError as error:
        raise ConfigError(f'--fold: {" ".join(str(error).split())}') from None


def _predict_all(task: Any, pictures: List[Path], done: Predicted) -> None:
    names = output_names(pictures)
    with Progress(disable=len(pictures) == 1) as progress:
        for picture in progress.track(pictures, description='predicting'):
            problem = problem_of(picture) or _predict_one(task, picture, names[picture], done)
            if problem:
                done.skipped[picture] = problem
            else:
                done.pictures += 1


def _predict_one(task: Any, picture: Path, name: str, done: Predicted) -> Optional[str]:
    """Predict and write; what is wrong with the picture, if anything is."""
    import mmcv

    original = mmcv.imread(str(picture), channel_order='rgb')
    if original is None:
        return 'OpenCV cannot read it'
    try:
        prediction, drawn = task(picture)
    except ValueError as error:  # too thin for the backbone, say
        return ' '.join(str(error).split())
    folder = PredictionWriter(done.folder)
    if isinstance(task, Segment):
        names = list(task.inferencer.model.dataset_meta['classes'])
        folder.write_classes(name, original, drawn, prediction, names)
    else:
        folder.write(name, original, drawn, prediction)
    return None

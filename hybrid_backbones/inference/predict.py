"""Predicting on images: drawn beside the original, and as JSON."""

import warnings
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Union

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from torch import nn

from ..config.data import datasets
from ..config.load import override
from ..config.traverse import forget_pretrained
from ..deploy import fold_model
from ..deploy.autocast import ready_for_autocast
from ..errors import ConfigError, as_config_error, one_line
from ..openmmlab.build import build_on_meta
from ..openmmlab.check_fit import check_fit
from ..openmmlab.library import library_of
from ..openmmlab.published import apply_settings, named_for
from ..synthetic.shrink import apply_mini
from ..utils.devices import check_device
from ..utils.files import check_folder
from ..utils.mixed_precision import autocast_dtype, note_on_speed
from ..weights import read_model
from ..zoo.configs import read_config
from ..zoo.model_files import find_model_file
from .images import TOO_LARGE, find_images, output_names, read_bgr
from .inferencers import DRAWN_FROM, OPACITY, TASKS, Segment
from .outputs import PredictionWriter
from .person_boxes import PrecomputedBoxes

VISUALIZERS: Dict[str, Dict[str, Any]] = dict(
    mmdet=dict(type='DetLocalVisualizer', alpha=OPACITY),
    mmseg=dict(type='SegLocalVisualizer'),
    mmpose=dict(type='PoseLocalVisualizer'),
    mmpretrain=dict(type='UniversalVisualizer'),
)
WITHOUT_THRESHOLD = dict(
    mmseg='a segmentor has one class for each pixel',
    mmpretrain='a classifier gives the most likely classes',
)
Track = Callable[[Sequence[Path]], Iterable[Path]]


@dataclass
class Predicted:
    """What has been done.

    Args:
        folder: Where the results are.
        images: How many images have results.
        skipped: What is wrong with the others.
        whole_images: Whether each whole image was taken for one person, for want of boxes.
        threshold: From which score objects or keypoints are drawn.
        scored: ``'objects'`` or ``'keypoints'``: what has a score; empty where all has a class.
        drawn: How many of them are above the threshold, in all images.
        best: The highest score of one; None, if there is none.
    """

    folder: Path
    images: int = 0
    skipped: Dict[Path, str] = field(default_factory=dict)
    whole_images: bool = False
    threshold: float = DRAWN_FROM
    scored: str = ''
    drawn: int = 0
    best: Optional[float] = None

    def count(self, scores: List[float]) -> None:
        """Take note of an image's scores."""
        self.drawn += sum(score > self.threshold for score in scores)
        self.best = max([*scores, *([] if self.best is None else [self.best])], default=None)


def predict(
    config: str,
    images: Union[str, Sequence[str]],
    *,
    weights: Optional[str] = None,
    weights_dir: Optional[str] = None,
    out: Optional[str] = None,
    device: Optional[str] = None,
    score_thr: Optional[float] = None,
    bboxes: Optional[str] = None,
    mini: bool = False,
    all_classes: bool = False,
    fold: bool = False,
    amp: bool = False,
    allow_non_finite: bool = False,
    cfg_options: Optional[Dict[str, Any]] = None,
    track: Track = iter,
) -> Predicted:
    """Run a trained model on images; draw the results, and write them as JSON.

    Args:
        config: Path, name of a built-in config, or ``mmdet::...``.
        images: A file, a folder, or a pattern such as ``'dir/*.jpg'``; or a list of those.
        weights: A checkpoint, as training wrote it, or as the authors or OpenMMLab published it;
            a path or URL. None: the one that is published for the config; it is fetched where its
            link is a direct one.
        weights_dir: Where published files have been saved.
        out: Folder for the results; the default is ``work_dirs/CONFIG/predictions``.
        device: ``'cpu'``, ``'cuda'`` or ``'cuda:1'``; the default is a GPU if there is one.
        score_thr: Draw boxes and keypoints from this score.
        bboxes: File of person boxes for a top-down pose estimator, in COCO results format.
        mini: The checkpoint was trained with it.
        all_classes: The checkpoint was trained with it, and with ``mini``.
        fold: Fold the model's norms and scales into its convolutions first.
        amp: Mixed precision: float16 on a GPU, bfloat16 on a CPU.
        allow_non_finite: Also take weights that are infinite or not a number.
        cfg_options: Settings of the config to change, as in training.
        track: Wraps the sequence of images, to show progress.

    Raises:
        ConfigError: A setting cannot work, or there is no image that can be read.
        CheckpointError: The checkpoint cannot be read.
        OutputError: The folder cannot be written to.
        ImportError: The library that the config is for is not installed.
    """
    paths = find_images(images)
    checkpoint = weights or find_model_file(config, weights_dir)
    if weights and '://' not in weights and not Path(weights).is_file():
        raise ConfigError(f'no checkpoint file {weights}')
    cfg = _config(config, mini, all_classes, cfg_options)
    boxes = _boxes(bboxes, cfg, paths)
    folder = Path(out or f'work_dirs/{Path(config).stem}/predictions')
    check_folder(folder)
    done = Predicted(folder, whole_images=_is_top_down(cfg) and boxes is None)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the libraries' to those who write configs
        task = _task(cfg, config, checkpoint, device, score_thr, boxes, allow_non_finite)
        done.threshold, done.scored = task.threshold, task.scored
        if fold:
            _fold(task.inferencer.model)
        with _mixed_precision(task.inferencer.model) if amp else nullcontext():
            _predict_all(task, paths, done, track)
    if not done.images:
        reasons = ', '.join(f'{path.name}: {reason}' for path, reason in done.skipped.items())
        raise ConfigError(f'no image that can be read: {reasons}')
    return done


def _config(
    name: str, mini: bool, all_classes: bool, cfg_options: Optional[Dict[str, Any]]
) -> Config:
    cfg = read_config(name)
    library_of(cfg, name)  # refuses others
    if not cfg.get('model') or not cfg.get('test_dataloader'):
        raise ConfigError(f'{name} has no model, or no test_dataloader with its pipeline')
    apply_mini(cfg, mini, all_classes)
    override(cfg, cfg_options)
    forget_pretrained(cfg.model)
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


def _is_top_down(cfg: Config) -> bool:
    return cfg.default_scope == 'mmpose' and cfg.data_mode == 'topdown'


def _boxes(file: Optional[str], cfg: Config, images: List[Path]) -> Optional[PrecomputedBoxes]:
    if not file:
        return None
    if not _is_top_down(cfg):
        raise ConfigError('`bboxes` are for top-down poses: other models find what there is')
    boxes = PrecomputedBoxes(file)
    boxes.check(images)
    return boxes


def _task(
    cfg: Config,
    name: str,
    checkpoint: str,
    device: Optional[str],
    score_thr: Optional[float],
    boxes: Optional[PrecomputedBoxes],
    allow_non_finite: bool,
) -> Any:
    scope = cfg.default_scope
    if scope in WITHOUT_THRESHOLD and score_thr is not None:
        raise ConfigError(f'`score_thr` is for boxes and keypoints: {WITHOUT_THRESHOLD[scope]}')
    threshold = DRAWN_FROM if score_thr is None else score_thr
    check_device(device)
    published = read_model(checkpoint, allow_non_finite)
    for line in apply_settings(cfg, published):
        print_log(line, logger='current')
    model = build_on_meta(cfg, name)
    read = named_for(model, published).checkpoint
    check_fit(model, read.state, read.name)
    more = [boxes] if scope == 'mmpose' else []
    with as_config_error(f'{name} does not serve to predict', ValueError):
        return TASKS[scope](cfg, read, device, threshold, *more)


def _fold(model: nn.Module) -> None:
    with as_config_error('', TypeError):
        fold_model(model)


@contextmanager
def _mixed_precision(model: nn.Module) -> Iterator[None]:
    device = next(model.parameters()).device.type
    dtype = autocast_dtype(device)
    note = note_on_speed(device)
    if note:
        print_log(note, logger='current')
    ready_for_autocast(model, device, dtype)
    with torch.autocast(device, dtype):
        yield


def _predict_all(task: Any, images: List[Path], done: Predicted, track: Track) -> None:
    names = output_names(images)
    for path in track(images):
        problem = _predict_one(task, path, names[path], done)
        if problem:
            done.skipped[path] = problem
        else:
            done.images += 1


def _predict_one(task: Any, path: Path, name: str, done: Predicted) -> Optional[str]:
    """Predict and write; what is wrong with the image, if anything is."""
    image = read_bgr(path)
    if isinstance(image, str):
        return image
    try:
        prediction, drawn = task(path, image)
    except ValueError as error:  # too thin for the backbone, say
        return one_line(error)
    except (MemoryError, RuntimeError) as error:
        if not _is_want_of_memory(error):
            raise
        return TOO_LARGE
    original, folder = image[..., ::-1], PredictionWriter(done.folder)
    if isinstance(task, Segment):
        names = list(task.inferencer.model.dataset_meta['classes'])
        folder.write_classes(name, original, drawn, prediction, names)
    else:
        done.count(task.scores(prediction))
        folder.write(name, original, drawn, prediction)
    return None


def _is_want_of_memory(error: Exception) -> bool:
    """On a GPU, or as torch's allocator on a CPU says it."""
    kinds = (MemoryError, torch.cuda.OutOfMemoryError)
    return isinstance(error, kinds) or "can't allocate memory" in str(error)

"""Images of what a config's pipeline feeds to the model, with the truth drawn on them."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence

from mmengine.config import Config, ConfigDict
from mmengine.runner import set_random_seed

from ...config.data import datasets
from ...config.traverse import walk
from ...data_check.label_maps import same_size
from ...data_check.segmentation import ignored_values
from ...engine.datasets import build_dataset, empty
from ...engine.prepare import prepare
from ...errors import ConfigError, OutputError, one_line
from ...openmmlab.library import import_library, in_scope, library_of
from ...utils.files import check_folder, path_inside
from .ground_truth import GroundTruthVisualizer

VISUALIZERS = dict(
    mmdet='DetLocalVisualizer',
    mmseg='SegLocalVisualizer',
    mmpose='PoseLocalVisualizer',
    mmpretrain='UniversalVisualizer',
)
TRUTH_LOADERS = ('LoadAnnotations', 'LoadPanopticAnnotations')
Track = Callable[[Sequence[int]], Iterable[int]]


@dataclass
class Browsed:
    """What was drawn.

    Args:
        folder: Where.
        total: How many images the dataset has.
        asked: How many were to be drawn.
        images: The files, in the dataset's order.
        problems: Images that could not be read or have impossible ground truth, each with its
            reason.
        of_detector: Whether the boxes are those of a detector, and nothing else was drawn.
    """

    folder: Path
    total: int
    asked: int
    images: List[Path] = field(default_factory=list)
    problems: List[str] = field(default_factory=list)
    of_detector: bool = False


def browse(
    config: str,
    *,
    split: str = 'train',
    num_images: int = 16,
    stage: str = 'pipeline',
    heatmaps: bool = False,
    out: Optional[str] = None,
    mini: bool = False,
    all_classes: bool = False,
    data_root: Optional[str] = None,
    cfg_options: Optional[Dict[str, Any]] = None,
    track: Track = iter,
) -> Browsed:
    """Draw images of a config's dataset with their ground truth.

    Args:
        config: Path of the config.
        split: ``'train'``, ``'val'`` or ``'test'``.
        num_images: The first so many are drawn.
        stage: ``'pipeline'``: what the model gets; ``'original'``: images as they are in the files.
        heatmaps: Also draw the target heatmaps of a pose estimator.
        out: Folder for the images; the default is below ``work_dirs``.
        mini: Use a small synthetic dataset.
        all_classes: With ``mini``: keep the classes of the config's dataset.
        data_root: Folder of the dataset, in place of the config's.
        cfg_options: Settings of the config to change; ``randomness.seed`` for other augmentations.
        track: Wraps the sequence of indices, to show progress.

    Raises:
        ConfigError: A setting cannot work, or the dataset cannot be built.
        OutputError: The folder cannot be written to.
        ImportError: The library that the config is for is not installed.
    """
    part = f'{split}_dataloader'
    cfg = prepare(
        config,
        data_of=(part,),
        mini=mini,
        all_classes=all_classes,
        data_root=data_root,
        cfg_options=cfg_options,
    )
    library = library_of(cfg)
    if not cfg.get(part):
        raise ConfigError(f'the config has no {part}')
    import_library(library)
    set_random_seed((cfg.get('randomness') or {}).get('seed') or 0)  # the same images each time
    folder = Path(out or Path(cfg.work_dir) / f'browse_{split}')
    check_folder(folder)
    _show_truth(cfg, part, original=stage == 'original')
    dataset = _build(cfg, part)
    done = Browsed(folder, len(dataset), min(num_images, len(dataset)))
    with in_scope(library):
        artist = GroundTruthVisualizer(
            cfg.get('visualizer') or ConfigDict(type=VISUALIZERS[library]),
            dataset.metainfo,
            normalisation=_normalisation(cfg, part),
            whole=stage == 'original',
            heatmaps=heatmaps,
            ignored=ignored_values(cfg, part),
        )
        if _is_of_detector(cfg, part):
            done.of_detector = True
            artist.has_truth = False
        _draw_all(dataset, artist, done, track)
    return done


def _draw_all(dataset: Any, artist: GroundTruthVisualizer, done: Browsed, track: Track) -> None:
    digits = max(len(str(done.asked - 1)), 4)
    for index in track(range(done.asked)):
        try:
            item = dataset[index]
            path = path_inside(done.folder, f'{index:0{digits}d}_{_stem(item)}.png')
            doubt = artist.draw(item, path) or _other_size(dataset, index)
            done.images.append(path)
        except OutputError:
            raise
        except Exception as error:  # files are of any quality; a library's reader raises anything
            doubt = f'skipped: {_reason(error)}'
        if doubt:
            done.problems.append(f'{_source(dataset, index)}: {doubt}')


def _other_size(dataset: Any, index: int) -> str:
    """Whether the files of image and mask differ in size, which resizing hides."""
    try:
        info = dataset.get_data_info(index)
    except AttributeError:  # a wrapper that mixes images
        return ''
    if not info.get('seg_map_path') or not info.get('img_path'):
        return ''
    problem = same_size(info['img_path'], info['seg_map_path'])
    return f'its mask {problem.text}' if problem else ''


def _show_truth(cfg: Config, part: str, original: bool) -> None:
    """Have the truth at hand, and in the place where the image is.

    Pipelines for testing read the truth after resizing, as metrics compare at the original size.
    Here it is read before, and so goes through all that the image goes through.
    """
    outer = cfg[part].dataset
    if original:  # wrappers mix several images
        cfg[part].dataset = outer = next(d for name, d in datasets(cfg) if name == part)
    for _, node in walk(outer):
        if 'pipeline' not in node:
            continue
        steps = list(node.pipeline or [])
        if original:
            steps = [step for step in steps if _type(step).startswith(('Load', 'Pack'))]
        truth = [step for step in steps if _type(step) in TRUTH_LOADERS]
        others = [step for step in steps if _type(step) not in TRUTH_LOADERS]
        loaders = [i for i, step in enumerate(others) if _type(step).startswith('Load')]
        place = loaders[-1] + 1 if loaders else 0
        node.pipeline = others[:place] + truth + others[place:]
        for step in node.pipeline:
            if _type(step) == 'PackPoseInputs':
                step.pack_transformed = True


def _type(step: ConfigDict) -> str:
    return str(step.get('type')).rpartition('.')[2]


def _build(cfg: Config, part: str) -> Any:
    try:
        dataset = build_dataset(cfg, part)
    except Exception as error:  # annotation files are of any quality
        raise ConfigError(f'the data of {part} cannot be read: {_reason(error)}') from None
    if not len(dataset):
        raise ConfigError(empty(cfg, part))
    return dataset


def _normalisation(cfg: Config, part: str) -> Optional[ConfigDict]:
    """A pipeline's own normalisation, as of before mmengine; else the model has it."""
    steps = (node for _, node in walk(cfg[part].dataset) if _type(node) == 'Normalize')
    return next(steps, None)


def _is_of_detector(cfg: Config, part: str) -> bool:
    return any(dataset.get('bbox_file') for name, dataset in datasets(cfg) if name == part)


def _source(dataset: Any, index: int) -> str:
    """The image's file, for those who are to repair it."""
    try:
        return dataset.get_data_info(index)['img_path']
    except (AttributeError, KeyError):
        return f'image {index}'


def _reason(error: BaseException) -> str:
    return f'{type(error).__name__}: {one_line(error)}'


def _stem(item: Dict[str, Any]) -> str:
    path = str(item['data_samples'].metainfo.get('img_path', 'image'))
    return re.sub(r'[^\w.-]', '_', Path(path).stem)

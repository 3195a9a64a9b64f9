"""Pictures of what a config's pipeline feeds to the model, with the truth drawn on them."""

import argparse
import re
from importlib import import_module
from pathlib import Path
from typing import Any, Dict, List, Optional

from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS, DefaultScope
from mmengine.runner import set_random_seed
from mmengine.utils import ProgressBar

from ...config.data import datasets
from ...config.traverse import dicts
from ...engine.prepare import prepare
from ...errors import ConfigError
from .ground_truth import GroundTruthVisualizer

VISUALIZERS = dict(
    mmdet='DetLocalVisualizer', mmseg='SegLocalVisualizer', mmpose='PoseLocalVisualizer'
)
TRUTH_LOADERS = ('LoadAnnotations', 'LoadPanopticAnnotations')


def browse(args: argparse.Namespace) -> int:
    """Draw what ``tools/browse_data.py``'s arguments say.

    Returns:
        How many pictures could not be read, or have an impossible truth; each has been named.

    Raises:
        ConfigError: A setting cannot work, or the dataset cannot be built.
    """
    part = f'{args.split}_dataloader'
    cfg = prepare(args, data_of=(part,))
    scope = cfg.get('default_scope')
    if scope not in VISUALIZERS:
        known = ', '.join(VISUALIZERS)
        raise ConfigError(f'default_scope must be one of {known}, not {scope!r}')
    if not cfg.get(part):
        raise ConfigError(f'the config has no {part}')
    import_module(f'{scope}.utils').register_all_modules(init_default_scope=False)
    set_random_seed((cfg.get('randomness') or {}).get('seed') or 0)  # the same pictures each time
    with DefaultScope.overwrite_default_scope(scope):
        return _browse(cfg, part, args)


def _browse(cfg: Config, part: str, args: argparse.Namespace) -> int:
    _show_truth(cfg, part, original=args.stage == 'original')
    dataset = _build(cfg, part)
    artist = GroundTruthVisualizer(
        cfg.get('visualizer') or ConfigDict(type=VISUALIZERS[cfg.default_scope]),
        dataset.metainfo,
        normalisation=_normalisation(cfg, part),
        whole=args.stage == 'original',
        heatmaps=args.heatmaps,
    )
    if _is_of_detector(cfg, part):
        print(
            f'the boxes are those of a detector, without joints: {part}.dataset.bbox_file=None '
            'shows the annotated ones'
        )
        artist.has_truth = False
    out = Path(args.out or Path(cfg.work_dir) / f'browse_{args.split}')
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f'--out {out}: {error.strerror}') from None
    return _draw_all(dataset, artist, out, args.number)


def _draw_all(dataset: Any, artist: GroundTruthVisualizer, out: Path, number: int) -> int:
    wanted = min(number, len(dataset))
    digits = max(len(str(wanted - 1)), 4)
    progress = ProgressBar(wanted)
    drawn: List[Path] = []
    bad: List[str] = []
    for index in range(wanted):
        try:
            item = dataset[index]
            path = out / f'{index:0{digits}d}_{_stem(item)}.png'
            doubt = artist.draw(item, path)
            drawn.append(path)
        except Exception as error:  # files are of any quality; a library's reader raises anything
            doubt = f'skipped: {_reason(error)}'
        if doubt:
            bad.append(f'{_source(dataset, index)}: {doubt}')
        progress.update()
    print()
    for line in bad:
        print(line)
    if drawn:
        print(f'{len(drawn)} pictures of {len(dataset)} in {out}, the first is {drawn[0]}')
    if bad:
        print(f'{len(bad)} of {wanted} are not as they should be')
    return len(bad)


def _show_truth(cfg: Config, part: str, original: bool) -> None:
    """Have the truth at hand, and in the place where the picture is.

    Pipelines for testing read the truth after resizing, as metrics compare at the original size.
    Here it is read before, and so goes through all that the picture goes through.
    """
    outer = cfg[part].dataset
    if original:  # wrappers mix several pictures
        cfg[part].dataset = outer = next(d for name, d in datasets(cfg) if name == part)
    for node in dicts(outer):
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
        dataset = DATASETS.build(cfg[part].dataset)
        if hasattr(dataset, 'full_init'):
            dataset.full_init()
    except Exception as error:  # annotation files are of any quality
        if 'need at least one array to concatenate' in str(error):  # from mmengine's datasets
            raise ConfigError(
                f'the data of {part} is empty: no picture holds an object of the classes that are '
                f'asked for; name those of your annotation file in {part}.dataset.metainfo.classes'
            ) from None
        raise ConfigError(f'the data of {part} cannot be read: {_reason(error)}') from None
    if not len(dataset):
        raise ConfigError(f'the data of {part} is empty: see its folders and file endings')
    return dataset


def _normalisation(cfg: Config, part: str) -> Optional[ConfigDict]:
    """A pipeline's own normalisation, as of before mmengine; else the model has it."""
    steps = (node for node in dicts(cfg[part].dataset) if _type(node) == 'Normalize')
    return next(steps, None)


def _is_of_detector(cfg: Config, part: str) -> bool:
    return any(dataset.get('bbox_file') for name, dataset in datasets(cfg) if name == part)


def _source(dataset: Any, index: int) -> str:
    """The picture's file, for those who are to repair it."""
    try:
        return dataset.get_data_info(index)['img_path']
    except (AttributeError, KeyError):
        return f'picture {index}'


def _reason(error: BaseException) -> str:
    return f'{type(error).__name__}: {" ".join(str(error).split())}'


def _stem(item: Dict[str, Any]) -> str:
    path = str(item['data_samples'].metainfo.get('img_path', 'picture'))
    return re.sub(r'[^\w.-]', '_', Path(path).stem)

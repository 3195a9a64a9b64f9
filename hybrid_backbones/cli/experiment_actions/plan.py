"""``hybrid-backbones experiment plan``."""

import argparse
import re
import warnings
from typing import Any, Dict, List, Tuple

from ..arguments import add_cfg_options
from ..progress import track
from .common import add_launch, add_steps, print_checked


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'configs',
        nargs='*',
        metavar='CONFIG',
        help="names of built-in configs, files, or mmdet::...; also patterns as in 'maskrcnn_*'",
    )
    parser.add_argument(
        '-o', '--out', metavar='STUDY.yml', default='study.yml', help='default: study.yml'
    )
    parser.add_argument('--overwrite', action='store_true', help='write over an older STUDY.yml')
    parser.add_argument(
        '--seeds', type=_seeds, default=[0], metavar='N,...', help='as in 0,1,2; default: 0'
    )
    parser.add_argument(
        '--set',
        dest='settings',
        action='append',
        type=_setting,
        default=[],
        metavar='KEY=VALUE,...',
        help='a variant for each value; of several --set, for each combination',
    )
    parser.add_argument(
        '--published',
        action='append',
        default=[],
        metavar='PATTERN',
        help='also test what was published for these configs',
    )
    parser.add_argument('--mini', action='store_true', help='train on small synthetic data')
    parser.add_argument('--data-root', metavar='DIR', help="of the dataset, in place of configs'")
    parser.add_argument('--work-dir', metavar='DIR', help='of all runs; default: work_dirs/STUDY')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument(
        '--auto-scale-lr', action='store_true', help='scale learning rates to the actual batch'
    )
    parser.add_argument(
        '--halve-batch',
        action='store_true',
        help='out of memory: begin again, once, with half the batch and learning rate',
    )
    add_launch(parser, override=False)
    add_cfg_options(parser)
    add_steps(parser)


def _seeds(text: str) -> List[int]:
    if not re.fullmatch(r'\d+(,\d+)*', text):
        raise argparse.ArgumentTypeError(f'must be whole numbers such as 0,1,2, got {text!r}')
    return [int(each) for each in text.split(',')]


def _setting(text: str) -> Tuple[str, str]:
    key, equals, values = text.partition('=')
    if not equals or not key or not values:
        raise argparse.ArgumentTypeError(f'must be KEY=VALUE,..., got {text!r}')
    return key, values


def run(args: argparse.Namespace) -> int:
    from ...errors import ConfigError
    from ...experiment.check import check
    from ...experiment.plan import plan
    from ...experiment.study import write_study
    from ...utils.files import check_file

    warnings.simplefilter('ignore')  # of libraries, about their own older ways
    path = _path(args.out)
    if path.exists() and not args.overwrite:
        raise ConfigError(f'{path} is there already: name another `out`, or give `overwrite=True`')
    check_file(path)
    study = plan(
        args.configs,
        name=path.stem,
        settings=_grid(args.settings),
        published=args.published,
        **_given(args),
    )
    write_study(study, path)
    print(f'wrote {path}: {len(study.configs)} rows')
    checked = check(study, steps=args.steps, track=track('measuring', to_stderr=True))
    print_checked(checked, problems=False)
    if checked.problems:
        print(f'{len(checked.problems)} problems: hybrid-backbones experiment check {path}')
    return 0


def _path(text: str) -> Any:
    from pathlib import Path

    from ...errors import ConfigError

    path = Path(text)
    if path.suffix not in ('.yml', '.yaml'):
        raise ConfigError(f'`out` is a YAML file: STUDY.yml, not {text!r}')
    return path


def _grid(settings: List[Tuple[str, str]]) -> List[Tuple[str, List[Any]]]:
    from ...experiment.study import parse_value
    from ...experiment.variants import split_values

    return [(key, [parse_value(v) for v in split_values(values)]) for key, values in settings]


def _given(args: argparse.Namespace) -> Dict[str, Any]:
    """Further keys of the study that the command line names."""
    names = dict(work_dir='out', cfg_options='options')
    keys = ('seeds', 'mini', 'data_root', 'work_dir', 'amp', 'auto_scale_lr', 'halve_batch')
    found = {
        names.get(key, key): getattr(args, key)
        for key in (*keys, 'launcher', 'gpus', 'jobs', 'cfg_options')
        if getattr(args, key)
    }
    if 'options' in found:  # YAML has no tuples
        found['options'] = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in found['options'].items()
        }
    return found

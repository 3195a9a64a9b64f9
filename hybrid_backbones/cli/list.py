"""``hybrid-backbones list``: what there is."""

import argparse
import json
from fnmatch import fnmatch
from typing import Any, Dict, List

COLUMNS = ('name', 'family', 'parameters', 'channels', 'weights')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'kind',
        nargs='?',
        choices=['backbones', 'configs'],
        default='backbones',
        help='default: backbones',
    )
    parser.add_argument(
        'pattern', nargs='?', default='*', help="only these names, as in 'uniformer*' (in quotes)"
    )
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(args: argparse.Namespace) -> int:
    found = _backbones(args.pattern) if args.kind == 'backbones' else _configs(args.pattern)
    if args.json:
        print(json.dumps(found, indent=1))
    elif args.kind == 'configs':
        for config in found:
            print(config['name'])
    elif found:
        _print_table([COLUMNS, *(_row(**backbone) for backbone in found)])
    return 0 if found else 1


def _backbones(pattern: str) -> List[Dict[str, Any]]:
    from ..zoo.archs import arch_info
    from ..zoo.names import backbones_by_name

    found = [
        (name, arch_info(each.family, each.arch))
        for name, each in backbones_by_name().items()
        if fnmatch(name, pattern)
    ]
    return [
        dict(
            name=name,
            family=info.family,
            arch=info.arch,
            params=info.params,
            channels=list(info.channels),
            weights=len(info.weights),
            direct=any(file.direct for file in info.weights),
        )
        for name, info in found
    ]


def _configs(pattern: str) -> List[Dict[str, Any]]:
    from ..zoo.configs import config_path, list_configs

    names = [name for name in list_configs() if fnmatch(name, pattern)]
    return [dict(name=name, path=config_path(name)) for name in names]


def _row(
    name: str, family: str, arch: str, params: int, channels: List[int], weights: int, direct: bool
) -> List[str]:
    how = 'yes' if direct else 'by hand, from a web page' if weights else 'none'
    return [name, family, f'{params / 1e6:.1f} M', ' '.join(map(str, channels)), how]


def _print_table(rows: List[Any]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print('  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())

"""Measure speed and memory of backbones and models, on drawn numbers: no dataset is needed.

python tools/benchmark.py uniformer_small --size 800x1280 --mode folded --against resnet50
python tools/benchmark.py --suite
"""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

import argparse
import sys
from itertools import product
from pathlib import Path
from typing import Tuple

from hybrid_backbones.analysis.benchmark.measure import measure, table
from hybrid_backbones.analysis.benchmark.settings import (
    DTYPES,
    MEMORY_FORMATS,
    MODES,
    WHATS,
    Settings,
)
from hybrid_backbones.cli.arguments import KeyValues, Parser, image_size, positive, run
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.utils.files import write_json
from tools.pages.benchmark import run_suite

REFERENCE = Path(__file__).parent / 'reference_speed.json'


def parse_args() -> argparse.Namespace:
    parser = Parser(description='Measure speed and memory of backbones and models')
    parser.add_argument(
        'networks',
        nargs='*',
        metavar='NETWORK',
        help='a backbone such as uniformer_small, a config (name or path), resnet50, or '
        'another implementation such as mmpose:HRFormer-small',
    )
    pairs = dict(nargs='+', action=KeyValues, metavar='KEY=VALUE')
    parser.add_argument('--options', **pairs, help='arguments of a backbone, settings of a config')
    parser.add_argument('--size', nargs='+', type=image_size, default=[(800, 1280)], metavar='HxW')
    parser.add_argument('--batch', type=positive, default=1)
    parser.add_argument('--dtype', choices=DTYPES, default='float32')
    parser.add_argument('--threads', type=positive, default=os.cpu_count() or 1)
    parser.add_argument('--memory-format', choices=MEMORY_FORMATS, default='contiguous')
    parser.add_argument('--mode', choices=MODES, default='eager', help='of the backbone')
    parser.add_argument('--what', choices=WHATS, default='inference')
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cpu')
    parser.add_argument('--against', metavar='NETWORK', help='time this one too, in turns')
    parser.add_argument('--against-options', **pairs, help='as --options, of that one')
    parser.add_argument('--repeats', type=positive, default=5, help='timed calls')
    parser.add_argument('--warmup', type=positive, default=1, help='calls before')
    parser.add_argument('--no-memory', dest='memory', action='store_false', help='time only')
    parser.add_argument('--json', metavar='FILE', help='write all numbers')
    parser.add_argument('--suite', action='store_true', help='the table of docs/benchmark.md')
    parser.add_argument('--out', default='docs/benchmark.md', help="the suite's page")
    parser.add_argument('--work-dir', default='work_dirs/bench', help="the suite's results")
    parser.add_argument('--fresh', action='store_true', help='measure also what the suite has')
    parser.set_defaults(reference=REFERENCE)
    return parser.parse_args(namespace=argparse.Namespace(local_rank=0))


def benchmark(args: argparse.Namespace) -> None:
    if args.suite == bool(args.networks):
        raise ConfigError('say which networks to measure, or --suite')
    if args.suite:
        run_suite(args)
        return
    results = [measure(settings_of(args, *pair)) for pair in product(args.networks, args.size)]
    if args.json:
        write_json(args.json, dict(command=' '.join(sys.argv[1:]), results=results))
    print(table(results), end='')


def settings_of(args: argparse.Namespace, network: str, size: Tuple[int, int]) -> Settings:
    names = ('batch', 'dtype', 'threads', 'memory_format', 'mode', 'what', 'device', 'against')
    names += ('repeats', 'warmup', 'memory')
    return Settings(
        network=network,
        size=size,
        options=args.options or {},
        against_options=args.against_options or {},
        **{name: getattr(args, name) for name in names},
    )


if __name__ == '__main__':
    run(parse_args, benchmark)

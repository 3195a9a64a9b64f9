"""``hybrid-backbones benchmark``: on random numbers, no dataset is needed."""

import argparse
import os
import sys
from importlib import import_module
from itertools import product
from typing import Any, Dict

from .arguments import KeyValues, image_size, keywords, positive
from .benchmark_suite import add_suite_arguments, run_suite

# of a single measurement; a suite has its own
DEFAULTS: Dict[str, Any] = dict(
    options={},
    size=[(800, 1280)],
    batch=1,
    dtype='float32',
    memory_format='contiguous',
    mode='eager',
    what='inference',
    device='cpu',
    against=None,
    against_options={},
    repeats=5,
    warmup=1,
    memory=True,
    csv=None,
)
# other measurements: the function, and the one that makes a table of what it returned
KINDS = dict(parts=('measure_parts', 'parts_table'), operators=('operators', 'operators_table'))
OF_SUITES = ('suite', 'minutes', 'batches')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from ..analysis.benchmark.settings import DTYPES, MEMORY_FORMATS, MODES, WHATS

    parser.add_argument(
        'networks',
        nargs='*',
        metavar='NETWORK',
        help='a backbone such as uniformer_small, a config (name or path), resnet50, or another '
        "implementation such as mmpose:HRFormer-small; '*' for all backbones, 'cvt_*' for some",
    )
    pairs: Dict[str, Any] = dict(nargs='+', action=KeyValues, default={}, metavar='KEY=VALUE')
    parser.add_argument('--options', **pairs, help='arguments of a backbone, settings of a config')
    parser.add_argument('--size', nargs='+', type=image_size, metavar='HxW')
    parser.add_argument('--batch', type=positive, default=DEFAULTS['batch'])
    parser.add_argument('--dtype', choices=DTYPES)
    parser.add_argument(
        '--amp',
        action='store_true',
        help='autocast over float32 weights, to --dtype; default bfloat16, float16 on a GPU',
    )
    parser.add_argument('--threads', type=positive, default=os.cpu_count() or 1)
    parser.add_argument(
        '--memory-format', choices=MEMORY_FORMATS, default=DEFAULTS['memory_format']
    )
    parser.add_argument(
        '--mode',
        choices=MODES,
        help='of the network; or the runtime that it, or a whole model, is exported to',
    )
    parser.add_argument('--task', dest='what', choices=WHATS)
    parser.add_argument('--device', choices=['cpu', 'cuda'])
    parser.add_argument(
        '--against', metavar='NETWORK', help='alternate with a reference network and compare'
    )
    parser.add_argument('--against-options', **pairs, help='the same as --options, for --against')
    parser.add_argument('--repeats', type=positive, help='timed calls')
    parser.add_argument('--warmup', type=positive, help='calls before')
    parser.add_argument('--no-memory', dest='memory', action='store_false', help='time only')
    parser.add_argument(
        '--parts', action='store_true', help="of a config: what of a test's time each part takes"
    )
    parser.add_argument(
        '--operators', action='store_true', help='what takes the time by kind of operator, and why'
    )
    parser.add_argument('--json', metavar='FILE', help='write all numbers')
    parser.add_argument('--csv', metavar='FILE', help="write the columns of timm's benchmarks")
    add_suite_arguments(parser)


def run(args: argparse.Namespace) -> int:
    if args.suite:
        return run_suite(args, DEFAULTS)
    from ..analysis.benchmark.measure import measure, table
    from ..analysis.benchmark.networks import matching
    from ..analysis.benchmark.settings import Settings
    from ..analysis.benchmark.timm_csv import timm_csv
    from ..errors import ConfigError, ExportError
    from ..utils.files import check_file, write_json, write_text

    if not args.networks:
        raise ConfigError('name a NETWORK, or `suite=gpu` for a table of all backbones')
    if args.batches:
        raise ConfigError('`batches` is of `suite=gpu`: one network has a `batch`')
    for name, value in DEFAULTS.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    for path in filter(None, (args.json, args.csv)):
        check_file(path)
    measured, as_table = measure, table
    for name, other in KINDS.items():
        if getattr(args, name):
            if args.csv or (args.parts and args.operators):
                raise ConfigError(f'`{name}` has a table of its own, and --json')
            module = import_module(f'..analysis.benchmark.{name}', __package__)
            measured, as_table = (getattr(module, function) for function in other)
    common = keywords(args, 'networks', 'size', 'json', 'csv', *KINDS, *OF_SUITES)
    results = []
    for network, size in product(matching(args.networks), args.size):
        try:
            results.append(measured(Settings(network=network, size=size, **common)))
        except ExportError as error:  # 2 is for wrong arguments
            print(error, file=sys.stderr)
            return 1
    if args.csv:
        write_text(args.csv, timm_csv(results))
    if args.json:
        write_json(args.json, dict(command=' '.join(sys.argv[1:]), results=results))
    print(as_table(results), end='')
    return 0

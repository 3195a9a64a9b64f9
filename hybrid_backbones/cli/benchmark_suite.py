"""``hybrid-backbones benchmark --suite gpu``: the table of all backbones."""

import argparse
import sys
from dataclasses import replace
from typing import Any, Dict

from .arguments import finite, positive

SUITES = ('gpu',)
MINUTES = 10.0
FILE = 'work_dirs/benchmark_gpu.json'
# flags of a single measurement, by the attributes that they set
OF_ONE_MEASUREMENT = ('options', 'batch', 'memory_format', 'against', 'against_options', 'memory')


def minutes(text: str) -> float:
    """An argument that is a time."""
    value = finite(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f'must be more than 0 minutes, got {text!r}')
    return value


def add_suite_arguments(parser: argparse.ArgumentParser) -> None:
    suite = parser.add_argument_group(
        'a table of all backbones, or of those that are named',
        '--size, --dtype, --mode and --task choose some of its rows; --json FILE keeps them, and '
        f'those that are there already are not measured again (default: {FILE})',
    )
    suite.add_argument('--suite', choices=SUITES, help='measure row by row; needs a GPU')
    suite.add_argument(
        '--minutes', type=minutes, default=MINUTES, help='no row is begun later; default: 10'
    )
    suite.add_argument(
        '--batches',
        nargs='+',
        type=positive,
        metavar='N',
        help='rows have the first, and the largest that fits; default: powers of two to 128',
    )


def run_suite(args: argparse.Namespace, defaults: Dict[str, Any]) -> int:
    """Measure, and print the table.

    Args:
        args: Of the command.
        defaults: Of its other flags, by the attributes that they set.

    Returns:
        0, or 1 if rows are left.
    """
    from ..analysis.benchmark.suite.peers import peers_here
    from ..analysis.benchmark.suite.plan import Row, check_plan
    from ..analysis.benchmark.suite.run import run_suite
    from ..analysis.benchmark.suite.table import is_complete, notes, suite_table
    from ..utils.files import check_file

    plan = _plan(args, defaults)
    check_plan(plan)
    path = args.json or FILE
    check_file(path)
    peers, missing = peers_here()
    plan = replace(plan, peers=peers)

    def tell(row: Row, result: Dict[str, Any], left: int) -> None:
        speed = result.get('images_per_second')
        what = result['reason'] if speed is None else f'{speed:.4g} images/s'
        print(f'{row.key}: {what}; {left} rows left', file=sys.stderr)

    record = run_suite(plan, path, args.minutes, tell=tell)
    print(suite_table(plan, record))
    for line in notes(plan, record, missing):
        print(line)
    print(f'Written: {path}')
    return 0 if is_complete(plan, record) else 1


def _plan(args: argparse.Namespace, defaults: Dict[str, Any]) -> Any:
    import torch

    from ..analysis.benchmark.suite.plan import Plan, chosen_backbones
    from ..errors import ConfigError

    for name in (*OF_ONE_MEASUREMENT, 'csv'):
        if getattr(args, name) != defaults[name]:
            given = 'memory=False' if name == 'memory' else name
            raise ConfigError(f'`{given}` is of a single measurement, not of `suite={args.suite}`')
    device = args.device or 'cuda'
    if device == 'cuda' and not torch.cuda.is_available():
        raise ConfigError(
            f'`suite={args.suite}` needs a GPU that torch sees, and torch {torch.__version__} sees '
            'none here; a NETWORK without it is measured on the CPU'
        )
    networks = chosen_backbones(tuple(args.networks))
    if args.size and len(args.size) > 1:
        raise ConfigError(f'`suite={args.suite}` takes one `size`')
    chosen: Dict[str, Any] = dict(
        size=args.size and args.size[0],
        batches=args.batches and tuple(args.batches),
        dtypes=args.dtype and (args.dtype,),
        modes=args.mode and (args.mode,),
        whats=args.what and (args.what,),
        repeats=args.repeats,
        warmup=args.warmup,
    )
    chosen = {name: value for name, value in chosen.items() if value is not None}
    return Plan(networks, device=device, threads=args.threads, **chosen)

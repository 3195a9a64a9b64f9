"""``hybrid-backbones experiment plot``."""

import argparse

from ..progress import track
from .common import add_results, read, results_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_results(parser)
    parser.add_argument(
        '-o', '--out', metavar='DIR', help='for the figures; default: figures, beside the results'
    )
    parser.add_argument(
        '--latency',
        action='store_true',
        help='first measure the latency of every model on this machine, and keep it',
    )
    parser.add_argument(
        '--device', choices=['cpu', 'cuda'], default='cpu', help='with --latency; default: cpu'
    )


def run(args: argparse.Namespace) -> None:
    from pathlib import Path

    from ...experiment.figures import draw
    from ...utils.files import check_folder

    beside = Path(args.study).parent if args.study.endswith('.json') else Path(read(args).out)
    folder = Path(args.out or beside / 'figures')
    check_folder(folder)
    if args.latency:
        _measure(args)
    for path in draw(results_of(args), folder):
        print(f'wrote {path}')


def _measure(args: argparse.Namespace) -> None:
    from pathlib import Path

    from ...errors import ConfigError
    from ...experiment.costs import FILE, as_json, measure_latency, read_costs
    from ...utils.files import write_json

    if args.study.endswith('.json'):
        raise ConfigError('`latency` needs STUDY.yml: the models are built from it')
    study = read(args)
    path = Path(study.out) / FILE
    costs = read_costs(path)
    for entry in track('measuring', to_stderr=True)(study.configs):
        costs[entry.name] = measure_latency(study, entry, args.device)
        write_json(path, as_json(costs))

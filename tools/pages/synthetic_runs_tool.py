"""Train one config of each family and task on mini data: python tools/pages/synthetic_runs_tool.py.

Writes docs/zoo_mini.md: the metric before and after training, seconds and peak memory, of every
run that --work-dir holds. A run that is there is not repeated; an interrupted one goes on.
"""

from argparse import Namespace

from hybrid_backbones.cli.arguments import Parser, run
from tools.pages.synthetic_runs import RUNS, train_zoo_mini


def parse_args() -> Namespace:
    parser = Parser(description='Train one config of each family and task on mini data')
    parser.add_argument(
        'only', nargs='*', metavar='CONFIG', help=f'names of configs (default: {len(RUNS)} of them)'
    )
    parser.add_argument('--work-dir', default='work_dirs/zoo_mini', help='where the runs go')
    parser.add_argument('--jobs', type=int, default=2, help='runs at a time, sharing the cores')
    parser.add_argument('--table', default='docs/zoo_mini.md', help='the table to write')
    return parser.parse_args(namespace=Namespace(local_rank=0))


if __name__ == '__main__':
    run(parse_args, train_zoo_mini)

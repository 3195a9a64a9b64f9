"""Count the memory that training takes: python tools/training_memory.py CONFIG [--with-cp]."""

from argparse import Namespace

from hybrid_backbones.analysis.training_memory.report import print_memory
from hybrid_backbones.cli.arguments import Parser, image_size, run


def parse_args() -> Namespace:
    parser = Parser(description='Count the memory that training takes; no GPU is needed')
    parser.add_argument('configs', nargs='+', metavar='CONFIG', help='config file, or its name')
    parser.add_argument('--size', type=image_size, metavar='HxW', help='of the pictures')
    parser.add_argument('--batch', type=int, default=2, help='pictures on a GPU at a time')
    parser.add_argument('--with-cp', action='store_true', help='recompute all blocks')
    parser.add_argument('--table', action='store_true', help='both ways, and what fits on a card')
    return parser.parse_args(namespace=Namespace(local_rank=0))


if __name__ == '__main__':
    run(parse_args, print_memory)

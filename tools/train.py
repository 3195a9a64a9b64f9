"""Train a model: python tools/train.py CONFIG [--mini]."""

from argparse import Namespace

from hybrid_backbones.cli.arguments import Parser, add_common_arguments, run
from hybrid_backbones.engine.train import train


def parse_args() -> Namespace:
    parser = Parser(description='Train a detector, segmentor or pose estimator')
    parser.add_argument('config', help='config file')
    add_common_arguments(parser)
    parser.add_argument('--amp', action='store_true', help='mixed precision (needs a GPU)')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate from the config's base batch size to the actual one",
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CKPT',
        help='go on from CKPT, or without it from the last checkpoint in the work dir',
    )
    return parser.parse_args()


if __name__ == '__main__':
    run(parse_args, train)

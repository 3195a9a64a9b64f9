"""Test a checkpoint: python tools/test.py CONFIG CHECKPOINT [--mini] [--show-dir DIR]."""

from argparse import Namespace

from hybrid_backbones.cli.arguments import Parser, add_common_arguments, run
from hybrid_backbones.engine.test import test


def parse_args() -> Namespace:
    parser = Parser(description='Test a detector, segmentor or pose estimator')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file, as training wrote it')
    add_common_arguments(parser)
    parser.add_argument('--out', metavar='FILE.pkl', help='also write the raw predictions')
    parser.add_argument('--show-dir', metavar='DIR', help='draw predictions beside the truth')
    parser.add_argument('--tta', action='store_true', help='test-time augmentation')
    parser.add_argument(
        '--fold', action='store_true', help='fold norms and scales of the backbone: it is faster'
    )
    return parser.parse_args()


if __name__ == '__main__':
    run(parse_args, test)

"""Look inside a backbone: pictures of what it computes.

python tools/visualize.py features uniformer_s --image FILE.jpg --weights FILE.pth
python tools/visualize.py erf
python tools/visualize.py attention cvt_13 --block stages.2.blocks.9 --query 0.4,0.6
python tools/visualize.py cam conformer_s32 --weights FILE.pth --class 281
"""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

import argparse

from hybrid_backbones.cli.arguments import Parser, image_size, positive, run
from hybrid_backbones.cli.visualize import attention, cam, features, receptive_fields


def parse_args() -> argparse.Namespace:
    parser = Parser(description='Look inside a backbone')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)

    one = commands.add_parser('features', help='maps of every level')
    _about_one(one, features)
    one.add_argument('--channels', type=positive, default=4, help='of the strongest, to show')

    erf = commands.add_parser('erf', help='effective receptive fields, side by side')
    erf.add_argument('backbones', nargs='*', metavar='BACKBONE', help='all five families if none')
    erf.add_argument(
        '--weights', nargs='+', metavar='FILE', help='one for each backbone, or the word random'
    )
    erf.add_argument('--image', nargs='+', metavar='FILE', help='pictures, in place of random ones')
    erf.add_argument('--size', type=image_size, default=(320, 320), metavar='HxW')
    erf.add_argument('--level', type=int, choices=range(4), help='the last one if not given')
    erf.add_argument('--samples', type=positive, default=8, help='gradients to average')
    _common(erf, receptive_fields)

    look = commands.add_parser('attention', help='what a position of a block attends to')
    _about_one(look, attention)
    look.add_argument('--block', required=True, help='such as stages.2.blocks.3')
    look.add_argument(
        '--query',
        default='0.5,0.5',
        metavar='Y,X',
        help='0.0 to 1.0 over the picture, or whole numbers on the map, or the word class',
    )

    branches = commands.add_parser('cam', help="Grad-CAM of Conformer's two branches")
    _about_one(branches, cam)
    branches.add_argument('--block', help='coupling block, the last one if not given')
    branches.add_argument(
        '--class',
        dest='label',
        type=int,
        metavar='N',
        help='whose score is explained; of a config the best one if not given, of a backbone '
        'alone the sum of squares of its last level',
    )
    return parser.parse_args(namespace=argparse.Namespace(local_rank=0))


def _about_one(parser: argparse.ArgumentParser, function) -> None:
    parser.add_argument(
        'backbone',
        metavar='BACKBONE',
        help='a name such as uniformer_small, or a config (name or path)',
    )
    parser.add_argument('--image', metavar='FILE', help='a drawn picture if not given')
    parser.add_argument('--weights', metavar='FILE', help='random weights if not given')
    parser.add_argument('--size', type=image_size, metavar='HxW', help='resize the picture')
    _common(parser, function)


def _common(parser: argparse.ArgumentParser, function) -> None:
    parser.add_argument('--out', metavar='FILE.png', help='below work_dirs/visualize if not given')
    parser.set_defaults(function=function)


if __name__ == '__main__':
    run(parse_args, lambda args: args.function(args))

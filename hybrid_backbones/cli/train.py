"""``hybrid-backbones train``."""

import argparse

from .arguments import add_runner_arguments, keywords


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='path, name of a built-in config, or mmdet::...')
    add_runner_arguments(parser)
    parser.add_argument('--amp', action='store_true', help='mixed precision (needs a GPU)')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate from the config's base batch size to the actual one",
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const=True,
        default=False,
        metavar='CKPT',
        help='resume from CKPT, or without it from the last checkpoint in the work dir',
    )


def run(args: argparse.Namespace) -> None:
    from ..engine.train import train

    train(**keywords(args, 'local_rank'))

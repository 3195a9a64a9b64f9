"""``hybrid-backbones train``.

Exit status: 0 done, 2 it cannot be done, 128 + N stopped by signal N, after which ``--resume`` goes
on.
"""

import argparse
import sys

from .arguments import (
    AMP,
    COMPILE,
    add_allow_non_finite,
    add_runner_arguments,
    keywords,
    with_flags,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='path, name of a built-in config, or mmdet::...')
    add_runner_arguments(parser)
    parser.add_argument('--amp', action='store_true', help=AMP)
    parser.add_argument('--compile', action='store_true', help=COMPILE)
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
        help='resume from CKPT, or without it from the newest whole checkpoint in the work dir',
    )

    add_allow_non_finite(parser)


def run(args: argparse.Namespace) -> int:
    from ..engine.process_group import leave_process_group
    from ..engine.train import train
    from ..errors import Stopped

    try:
        train(**keywords(args, 'local_rank'))
    except Stopped as stopped:  # in all processes, after the same iteration
        leave_process_group()
        print(f'hybrid-backbones train: {with_flags(str(stopped), args)}', file=sys.stderr)
        return 128 + stopped.signum
    leave_process_group()
    return 0

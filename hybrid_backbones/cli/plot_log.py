"""``hybrid-backbones plot-log``."""

import argparse
import sys

from .arguments import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'runs',
        nargs='+',
        metavar='RUN',
        help='a work directory, the folder of one start in it, or a log file (scalars.json)',
    )
    parser.add_argument(
        '--keys',
        nargs='+',
        metavar='KEY',
        help='which quantities, as the log names them, e.g. loss coco/bbox_mAP; '
        'default: losses, learning rate and main metrics',
    )
    parser.add_argument('--out', default='curves.png', help='file to write: .png, .pdf, .svg')
    parser.add_argument(
        '--smooth', type=positive, default=1, metavar='N', help='average losses over N values'
    )


def run(args: argparse.Namespace) -> None:
    from ..analysis.training_log.curves import draw, select, summary
    from ..analysis.training_log.read import read_logs

    logs = read_logs(args.runs)
    draw(select(logs, args.keys), args.out, args.smooth)
    for log in logs:
        for note in log.notes:
            print(note, file=sys.stderr)
        print(summary(log))
    print(f'written: {args.out}')

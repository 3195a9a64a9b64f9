"""Draw the curves of training logs: python tools/plot_log.py RUN [RUN ...] [--out FILE.png]."""

import argparse
import sys

from hybrid_backbones.analysis.training_log.curves import draw, select, summary
from hybrid_backbones.analysis.training_log.read import read_logs
from hybrid_backbones.cli.arguments import Parser, positive, run


def parse_args() -> argparse.Namespace:
    parser = Parser(description='Draw losses, metrics and learning rates of training logs')
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
        'without it: losses, learning rate and main metrics',
    )
    parser.add_argument('--out', default='curves.png', help='picture to write: .png, .pdf, .svg')
    parser.add_argument(
        '--smooth', type=positive, default=1, metavar='N', help='losses as means of N logged values'
    )
    return parser.parse_args(namespace=argparse.Namespace(local_rank=0))


def plot_log(args: argparse.Namespace) -> None:
    logs = read_logs(args.runs)
    draw(select(logs, args.keys), args.out, args.smooth)
    for log in logs:
        for note in log.notes:
            print(note, file=sys.stderr)
        print(summary(log))
    print(f'written: {args.out}')


if __name__ == '__main__':
    run(parse_args, plot_log)

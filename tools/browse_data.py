"""Draw what the pipeline feeds to the model: python tools/browse_data.py CONFIG [--mini]."""

import argparse
import sys

from hybrid_backbones.analysis.dataset.browse import browse
from hybrid_backbones.cli.arguments import KeyValues, Parser, positive, run


def parse_args() -> argparse.Namespace:
    parser = Parser(description='Draw what the pipeline feeds to the model, with its ground truth')
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument('--number', type=positive, default=16, help='of pictures; the first ones')
    parser.add_argument('--out', metavar='DIR', help='for the pictures; below work_dirs without it')
    parser.add_argument(
        '--stage',
        choices=['pipeline', 'original'],
        default='pipeline',
        help='what the model gets, or the pictures as they are in the files',
    )
    parser.add_argument(
        '--heatmaps', action='store_true', help='also what a pose estimator is to predict'
    )
    parser.add_argument('--mini', action='store_true', help='use a tiny drawn dataset')
    parser.add_argument('--data-root', help="folder of the dataset, in place of the config's")
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='change settings of the config; randomness.seed=1 for other augmentations',
    )
    fixed = argparse.Namespace(local_rank=0, launcher='none', work_dir=None)
    return parser.parse_args(namespace=fixed)


def browse_data(args: argparse.Namespace) -> None:
    if browse(args):  # pictures that could not be read, and are named
        sys.exit(1)


if __name__ == '__main__':
    run(parse_args, browse_data)

"""``hybrid-backbones training-memory``."""

import argparse
import warnings
from pathlib import Path

from .arguments import image_size, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('configs', nargs='+', metavar='CONFIG', help='config file, or its name')
    parser.add_argument('--size', type=image_size, metavar='HxW', help='of the images')
    parser.add_argument('--batch', type=positive, default=2, help='images per GPU')
    parser.add_argument('--with-cp', action='store_true', help='checkpoint all blocks')


def run(args: argparse.Namespace) -> None:
    from ..analysis.training_memory.report import summary
    from ..zoo.configs import read_config

    warnings.simplefilter('ignore')  # of libraries, about their own older ways
    for name in args.configs:
        cfg = read_config(name)
        print(summary(Path(name).stem, cfg, args.size, args.batch, args.with_cp or None))

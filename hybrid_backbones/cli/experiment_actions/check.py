"""``hybrid-backbones experiment check``."""

import argparse
import warnings

from ..progress import track
from .common import add_launch, add_steps, add_study, print_checked, read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study(parser)
    add_launch(parser, override=True)
    add_steps(parser)
    parser.add_argument('--fresh', action='store_true', help='measure again what was measured')


def run(args: argparse.Namespace) -> int:
    from ...experiment.check import check

    warnings.simplefilter('ignore')  # of libraries, about their own older ways
    study = read(args)
    checked = check(
        study, steps=args.steps, fresh=args.fresh, track=track('checking', to_stderr=True)
    )
    print_checked(checked)
    print(f'{len(checked.problems) or "no"} problems')
    return 1 if checked.problems else 0

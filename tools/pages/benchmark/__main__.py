"""Measure speed beside the published code, ResNet-50 and others, and write docs/benchmark.md.

A run that was stopped continues: python -m tools.pages.benchmark [--fresh] [--only NAME ...]
"""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

from argparse import Namespace
from pathlib import Path

from hybrid_backbones.cli.arguments import Parser, positive, run
from tools.pages.benchmark.suite import PAGE, SECTIONS, run_suite


def parse_args() -> Namespace:
    parser = Parser(description='Measure speed, and write docs/benchmark.md')
    parser.add_argument('--fresh', action='store_true', help='measure again what is measured')
    names = [section.NAME for section in SECTIONS]
    parser.add_argument('--only', nargs='+', choices=names, default=names, help='some tables')
    parser.add_argument('--minutes', type=positive, help='begin nothing after so many')
    parser.add_argument('--threads', type=positive, help="torch's threads; default: all cores")
    parser.add_argument('--page', type=Path, default=PAGE, help='the page with the tables')
    parser.add_argument('--work-dir', type=Path, default='work_dirs/bench', help='for results')
    return parser.parse_args(namespace=Namespace(local_rank=0))


def main(args: Namespace) -> None:
    sections = [section for section in SECTIONS if section.NAME in args.only]
    run_suite(args.page, args.work_dir, args.fresh, args.threads, sections, args.minutes)


if __name__ == '__main__':
    run(parse_args, main)

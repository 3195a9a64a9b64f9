"""``hybrid-backbones experiment ACTION``: comparing backbones, from a plan to tables and figures.

Exit status: 0 all is done, 1 a run failed or ``check`` found a problem, 2 it cannot be done,
128 + N stopped by signal N, after which the same command goes on.
"""

import argparse
from importlib import import_module
from types import ModuleType

ACTIONS = {
    'plan': 'write a study: configs, variants, seeds',
    'check': 'data, weights, disk, memory and hours, before anything is spent',
    'run': 'train and test what is not done yet',
    'gather': 'all results in one JSON',
    'table': 'results beside the published ones, as Markdown, LaTeX, CSV or HTML',
    'plot': 'figures: accuracy over cost, and curves',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    adder = parser.add_subparsers(dest='action', metavar='ACTION', required=True)
    for name, summary in ACTIONS.items():
        description = f'{summary[0].upper()}{summary[1:]}.'
        one = adder.add_parser(name, help=summary, description=description)
        _module(name).add_arguments(one)


def run(args: argparse.Namespace) -> int:
    return int(_module(args.action).run(args) or 0)


def _module(action: str) -> ModuleType:
    return import_module(f'.experiment_actions.{action}', __package__)

"""``hybrid-backbones COMMAND ...``, also as ``python -m hybrid_backbones``.

The module of a command is imported when the command is named, and torch when the command runs.
"""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

import argparse
import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any, Optional, Sequence

from .. import __version__
from .arguments import Parser, check_safe_loading, one_line_errors
from .output import flush_output

PROG = 'hybrid-backbones'
COMMANDS = {
    'train': 'train a detector, segmentor or pose estimator',
    'test': 'test a checkpoint',
    'experiment': 'compare backbones: plan, check, run, table and plot a study',
    'reproduce': 'test published models again: the whole table of their results',
    'predict': 'run a trained model on images; draw the results and write them as JSON',
    'validate': 'measure the ImageNet accuracy of a backbone with its classifier',
    'list': 'list backbones or configs',
    'describe': 'describe a backbone or a config: parts, cost, weights, schedule',
    'drop-in': 'replace the backbone of an existing config',
    'convert': 'rename the weights of a checkpoint: to our names, or to those of the authors',
    'export': 'write a backbone as ONNX or as a file of torch.export',
    'benchmark': 'measure speed and memory of backbones and models',
    'visualize': 'draw feature maps, attention, receptive fields, or Grad-CAM',
    'check-dataset': 'read all that training and evaluation will read, and say what is wrong',
    'browse-dataset': 'draw what the data pipeline feeds to the model, with its ground truth',
    'plot-log': 'draw losses, metrics and learning rates of training logs',
    'print-config': 'print a config with all it inherits',
    'training-memory': 'estimate the memory that training takes; no GPU is needed',
}
if '__mp_main__' in sys.modules:
    # multiprocessing's name in a process that it spawned, a data loader's worker for instance: that
    # imports this, and then unpickles a dataset of the libraries.
    from ..openmmlab.library import prepare_libraries

    prepare_libraries()

SHELLS = ('bash', 'zsh', 'tcsh')


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run a command.

    Args:
        arguments: The command's name and its arguments; None: those of the process.

    Returns:
        The exit status: 0, or 1 where a command has done only part of its work.

    Raises:
        SystemExit: With status 2: an argument is wrong, a package is missing, or an input cannot
            be used; one line on standard error says which.
    """
    arguments = sys.argv[1:] if arguments is None else [str(each) for each in arguments]
    command = next((each for each in arguments if not each.startswith('-')), None)
    args = build_parser(command).parse_args(arguments)
    module = command_module(args.command)
    prog = f'{PROG} {args.command}'
    del args.command
    with one_line_errors(prog, args):
        try:
            if hasattr(args, 'allow_unsafe_load'):
                check_safe_loading(args.allow_unsafe_load)
            status = module.run(args) or 0
            flush_output()
            return status
        except BrokenPipeError:  # `| head` has seen enough
            with suppress(BrokenPipeError):
                flush_output()
            return 141  # as a process that SIGPIPE ended
        except KeyboardInterrupt:  # Ctrl-C; a training saves first
            print(f'{prog}: interrupted', file=sys.stderr)
            return 130
        except OSError:
            flush_output()  # it may be the one that failed
            raise


def build_parser(*commands: Optional[str]) -> Parser:
    """The parser, with the arguments of some commands; of all others it knows the names."""
    parser = Parser(
        prog=PROG,
        description='Conformer, TransXNet, CvT, UniFormer and HRFormer as backbones for '
        'MMDetection, MMSegmentation and MMPose.',
        epilog=f'{PROG} COMMAND --help describes the arguments of a command.',
    )
    parser.add_argument('--version', action='version', version=f'{PROG} {__version__}')
    parser.add_argument(
        '--print-completion',
        action=PrintCompletion,
        metavar='SHELL',
        choices=SHELLS,
        default=argparse.SUPPRESS,
        help=f'print a completion script for {", ".join(SHELLS)}',
    )
    adder = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    for name, summary in COMMANDS.items():
        description = f'{summary[0].upper()}{summary[1:]}.'
        one = adder.add_parser(name, help=summary, description=description)
        if name in commands:
            command_module(name).add_arguments(one)
    return parser


def command_module(name: str) -> ModuleType:
    """``add_arguments(parser)`` and ``run(args)`` of a command."""
    return import_module(f'.{name.replace("-", "_")}', __package__)


class PrintCompletion(argparse.Action):
    """Print what makes a shell complete the commands and their flags."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: Optional[str] = None,
    ) -> None:
        with one_line_errors(PROG, namespace):
            import shtab

            print(shtab.complete(build_parser(*COMMANDS), shell=values))
        parser.exit()


if __name__ == '__main__':
    sys.exit(main())

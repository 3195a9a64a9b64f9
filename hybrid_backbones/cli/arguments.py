"""What the commands share: arguments, and errors as one line with exit status 2."""

import argparse
import logging
import math
import os
import re
import sys
import warnings
from contextlib import contextmanager, suppress
from typing import Any, Callable, Dict, Iterator, NoReturn, Optional, Tuple

from ..errors import CheckpointError, ConfigError, OutputError
from ..utils.files import REFUSALS
from ..utils.packages import how_to_install
from .output import write_output

AMP = 'mixed precision: float16 on a GPU, bfloat16 on a CPU'
COMPILE = 'have torch compile the blocks of the backbone; takes minutes, and pays in long runs'
# arguments of functions whose flags have another name
FLAGS = dict(label='--class', what='--task')


class Parser(argparse.ArgumentParser):
    """An argument parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'{self.prog}: {message}\n')

    def _print_message(self, message: str, file: Any = None) -> None:
        """Help or the version, in place of argparse's writer, which passes over a full disk."""
        if file is not sys.stdout:
            super()._print_message(message, file)
            return
        with suppress(BrokenPipeError):  # `--help | head` has seen enough
            try:
                write_output(message)
            except OutputError as error:
                self.error(str(error))


class KeyValues(argparse.Action):
    """mmengine's ``DictAction``, with a clear error for a pair that it cannot read.

    mmengine is imported when there are such arguments: help does not wait for it.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: Optional[str] = None,
    ) -> None:
        from mmengine.config import DictAction

        for pair in values:
            if '=' not in pair:
                parser.error(f'{option_string} takes KEY=VALUE, got {pair!r}')
        action = DictAction(self.option_strings, self.dest, nargs=self.nargs)
        try:
            action(parser, namespace, values, option_string)
        except (AssertionError, IndexError, RecursionError, ValueError):  # braces, lone brackets
            parser.error(
                f'{option_string} {" ".join(values)}: a value cannot be read; lists are [A,B], '
                'tuples (A,B), and a dict is set key by key, KEY.NAME=VALUE'
            )


def image_size(text: str) -> Tuple[int, int]:
    """An argument such as ``800x1280``: height and width in pixels."""
    match = re.fullmatch(r'([1-9]\d*)x([1-9]\d*)', text)
    if not match:
        raise argparse.ArgumentTypeError(f'must be HEIGHTxWIDTH such as 800x1280, got {text!r}')
    return int(match[1]), int(match[2])


def finite(text: str) -> float:
    """An argument that is a number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f'must be a number, got {text!r}')
    return value


def positive(text: str) -> int:
    """An argument that counts something."""
    if not re.fullmatch(r'[1-9]\d*', text):
        raise argparse.ArgumentTypeError(f'must be a whole number of at least 1, got {text!r}')
    return int(text)


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """What changes a config and its data, named as in OpenMMLab's tools."""
    parser.add_argument(
        '--mini', action='store_true', help='use a small synthetic dataset; minutes on a CPU'
    )
    add_all_classes(parser)
    parser.add_argument('--data-root', help="folder of the dataset, in place of the config's")
    add_cfg_options(parser)


def add_all_classes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--all-classes',
        action='store_true',
        help="with --mini: keep the dataset's classes, for models that were trained on it",
    )


def add_allow_non_finite(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--allow-non-finite',
        action='store_true',
        help='also take weights that are infinite or not a number',
    )


UNSAFE = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'


def add_allow_unsafe_load(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--allow-unsafe-load',
        action='store_true',
        help=f'run although {UNSAFE} is set: checkpoints that are loaded by other code than this '
        "package's can execute any code",
    )


def check_safe_loading(allowed: bool) -> None:
    """See that the environment leaves torch's safe loading on.

    This package reads checkpoints safely all the same; what other code loads by ``torch.load`` in
    the same process, of a user's own modules for instance, it cannot vouch for.

    Raises:
        ConfigError: It does not, and that was not allowed.
    """
    if os.environ.get(UNSAFE, '0').lower() in ('1', 'y', 'yes', 'true') and not allowed:
        raise ConfigError(
            f"{UNSAFE} is set, which switches torch's safe loading off: a checkpoint could execute "
            f'any code; unset {UNSAFE}, or pass `allow_unsafe_load=True`'
        )


def add_weights_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--weights-dir', metavar='DIR', help='where files have been saved that were published'
    )


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='change settings of the config, e.g. train_cfg.max_epochs=3; applied last',
    )


def add_workers(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        '--workers',
        type=int,
        default=min(os.cpu_count() or 1, 8),
        help=f'processes that {what} images; default: one for each core, eight at most',
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'must be a number of images, 0 or more, got {text!r}')
    return int(text)


def add_runner_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that training and testing share, named as in OpenMMLab's tools."""
    parser.add_argument('--work-dir', help='where logs and checkpoints go')
    add_config_arguments(parser)
    parser.add_argument(
        '--no-data-check',
        dest='data_check',
        action='store_false',
        help='begin without looking at annotations and images',
    )
    parser.add_argument(
        '--skip-bad-images',
        type=_count,
        default=0,
        metavar='N',
        help='go on in spite of up to N images that cannot be read, and name each',
    )
    add_allow_unsafe_load(parser)
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def keywords(args: argparse.Namespace, *left_out: str) -> Dict[str, Any]:
    """Parsed arguments as keyword arguments of the function behind a command."""
    left_out = (*left_out, 'allow_unsafe_load')  # the command's own
    return {name: value for name, value in vars(args).items() if name not in left_out}


def with_flags(message: str, args: argparse.Namespace) -> str:
    """A message whose arguments, in backticks, are named as the flags of the command.

    Functions name their arguments as Python does: ```data_root=DIR``` becomes ``--data-root DIR``.
    """

    def flag(match: 're.Match[str]') -> str:
        name, value = match[1], match[2]
        if name not in vars(args):
            return match[0]
        flag = FLAGS.get(name, f'--{name.replace("_", "-")}')
        if value == 'False':
            return f'--no-{name.replace("_", "-")}'
        return f'{flag} {value}' if value not in (None, 'True') else flag

    return re.sub(r'`(\w+)(?:=([^`]*))?`', flag, message)


@contextmanager
def one_line_errors(prog: str, args: argparse.Namespace) -> Iterator[None]:
    """What the user can mend, or the administrator: one line and exit status 2.

    A wrong setting, a bad checkpoint, a disk or folder that refuses, or a missing package.
    """
    os.environ.setdefault('LOCAL_RANK', str(getattr(args, 'local_rank', 0)))
    # mmengine's own use of it, which its users cannot change
    warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
    told, logging.raiseExceptions = logging.raiseExceptions, False  # of each line on a full disk
    try:
        yield
    except (ConfigError, CheckpointError, OutputError) as error:
        _refuse(f'{prog}: {with_flags(str(error), args)}')
    except OSError as error:  # of the libraries' own writers
        if error.errno not in REFUSALS:
            raise
        where = f'{error.filename}: ' if error.filename else ''
        _refuse(f'{prog}: {where}{error.strerror}')
    except ImportError as error:
        hint = how_to_install(error)
        if hint is None:
            raise
        _refuse(f'{prog} needs {hint}')
    finally:
        logging.raiseExceptions = told


def _refuse(line: str) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(2)


def run(
    parse: Callable[[], argparse.Namespace], function: Callable[[argparse.Namespace], Any]
) -> None:
    """Call ``function(args)`` for a script that is no command of ``hybrid-backbones``."""
    args = parse()
    with one_line_errors(os.path.basename(sys.argv[0]), args):
        function(args)

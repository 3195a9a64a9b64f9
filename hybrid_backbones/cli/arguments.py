"""What the command-line tools share: arguments, and errors as one line with exit status 2."""

import argparse
import os
import re
import sys
from typing import Callable, NoReturn, Tuple

from mmengine.config import DictAction

from ..errors import CheckpointError, ConfigError


class Parser(argparse.ArgumentParser):
    """An argument parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'{self.prog}: {message}\n')


class KeyValues(DictAction):
    """mmengine's ``DictAction``, with a clear word for a pair without ``=``."""

    def __call__(self, parser, namespace, values, option_string=None):
        for pair in values:
            if '=' not in pair:
                parser.error(f'{option_string} takes KEY=VALUE, got {pair!r}')
        super().__call__(parser, namespace, values, option_string)


def image_size(text: str) -> Tuple[int, int]:
    """An argument such as ``800x1280``: height and width in pixels."""
    match = re.fullmatch(r'([1-9]\d*)x([1-9]\d*)', text)
    if not match:
        raise argparse.ArgumentTypeError(f'must be HEIGHTxWIDTH such as 800x1280, got {text!r}')
    return int(match[1]), int(match[2])


def positive(text: str) -> int:
    """An argument that counts something."""
    if not re.fullmatch(r'[1-9]\d*', text):
        raise argparse.ArgumentTypeError(f'must be a whole number of at least 1, got {text!r}')
    return int(text)


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that training and testing share, named as in OpenMMLab's tools."""
    parser.add_argument('--work-dir', help='where logs and checkpoints go')
    parser.add_argument(
        '--mini', action='store_true', help='use a tiny drawn dataset; minutes on a CPU'
    )
    parser.add_argument('--data-root', help="folder of the dataset, in place of the config's")
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='change settings of the config, e.g. train_cfg.max_epochs=3; applied last',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def run(parse: Callable[[], argparse.Namespace], function: Callable) -> None:
    """Call ``function(args)``; a wrong setting or checkpoint ends with one line and status 2."""
    args = parse()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    try:
        function(args)
    except (ConfigError, CheckpointError) as error:
        print(f'{os.path.basename(sys.argv[0])}: {error}', file=sys.stderr)
        sys.exit(2)

"""Count the memory of training some configs, and write the table of docs/large_scale.md; minutes.

python -m tools.pages.training_memory [CONFIG ...]
"""

import re
import warnings
from argparse import Namespace
from pathlib import Path
from typing import Iterator, List, Sequence, Tuple

from mmengine.config import Config

from hybrid_backbones.analysis.training_memory.estimate import (
    GIB,
    PRECISIONS,
    images_that_fit,
    training_memory,
    training_size,
)
from hybrid_backbones.cli.arguments import Parser, run
from hybrid_backbones.openmmlab.library import prepare_libraries
from hybrid_backbones.utils.text import markdown_table
from hybrid_backbones.zoo.configs import read_config
from tools.pages.marked import DOCS, read_page, write_parts

PAGE = DOCS / 'large_scale.md'
PART = 'cards'
CARDS = (16, 24)  # GiB
WAYS = tuple((precision, cp) for precision in PRECISIONS for cp in (False, True))


def listed(page: Path = PAGE) -> List[str]:
    """The configs that the page's table has now."""
    return re.findall(r'^\| `(\w+)` \|', read_page(page, (PART,)), re.MULTILINE)


def table(configs: Sequence[Tuple[str, Config]]) -> str:
    """For each config what an image takes, and how many fit on a card."""
    heads = ['config', 'pixels', 'fixed']
    heads += [f'{precision}, `with_cp`' if cp else precision for precision, cp in WAYS]
    heads += [f'images on {card} GiB' for card in CARDS]
    return markdown_table(heads, [list(row(name, cfg)) for name, cfg in configs])


def row(name: str, cfg: Config) -> Iterator[str]:
    """A line of the table."""
    pairs = [[training_memory(cfg, None, n, *way) for n in (2, 3)] for way in WAYS]  # TransXNet: 2
    yield f'`{name}`'
    yield '{}x{}'.format(*training_size(cfg))
    yield _gib(pairs[0][0].fixed)
    for few, more in pairs:
        yield _gib(more.total - few.total)
    for card in CARDS:
        yield ', '.join(str(images_that_fit(*pair, card)) for pair in pairs)


def _gib(size: int) -> str:
    return f'{size / GIB:.2f}'


def parse_args() -> Namespace:
    parser = Parser(description='Count the memory of training, and write docs/large_scale.md')
    parser.add_argument('configs', nargs='*', help='config files or names; default: those listed')
    parser.add_argument('--page', type=Path, default=PAGE, help='the page with the table')
    return parser.parse_args(namespace=Namespace(local_rank=0))


def main(args: Namespace) -> None:
    prepare_libraries()
    warnings.simplefilter('ignore')  # of libraries, about their own deprecated calls
    configs = [(Path(name).stem, read_config(name)) for name in args.configs or listed(args.page)]
    write_parts(args.page, {PART: table(configs)})


if __name__ == '__main__':
    run(parse_args, main)

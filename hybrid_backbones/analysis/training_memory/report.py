"""The memory that training takes, as text and as the table of ``docs/large_scale.md``."""

import argparse
import warnings
from pathlib import Path
from typing import Iterable, List, Optional, Tuple

from mmengine.config import Config

from ...errors import ConfigError
from ...openmmlab.torchvision import repair_torchvision
from ...zoo.configs import read_config
from .estimate import (
    GIB,
    PRECISIONS,
    TrainingMemory,
    images_that_fit,
    training_memory,
    training_size,
)

CARDS = (16, 24)  # GiB
WAYS = tuple((precision, cp) for precision in PRECISIONS for cp in (False, True))


def print_memory(args: argparse.Namespace) -> None:
    """Print what ``tools/training_memory.py``'s arguments ask for.

    Raises:
        ConfigError: A config or an argument cannot work.
    """
    if args.batch < 1:
        raise ConfigError(f'--batch must be at least 1, got {args.batch}')
    repair_torchvision()
    warnings.simplefilter('ignore')  # of libraries, about their own older ways
    configs = [(Path(name).stem, read_config(name)) for name in args.configs]
    if args.table:
        print(table(configs, args.size), end='')
        return
    for name, cfg in configs:
        print(summary(name, cfg, args.size, args.batch, args.with_cp or None))


def summary(
    name: str, cfg: Config, size: Optional[Tuple[int, int]], batch: int, with_cp: Optional[bool]
) -> str:
    """What takes how much, in both precisions."""
    found = [training_memory(cfg, size, batch, p, with_cp) for p in PRECISIONS]
    height, width = size or training_size(cfg)
    how = ', all blocks recomputed' if with_cp else ''
    rows = [
        (f'{name}: {batch} x {height}x{width}{how}', 'fp32', 'bf16'),
        ('weights', *(m.weights for m in found)),
        ('gradients', *(m.gradients for m in found)),
        ("the optimizer's averages", *(m.averages for m in found)),
        ('kept for the backward pass, backbone', *(m.backbone for m in found)),
        ('kept for the backward pass, the rest', *(m.rest for m in found)),
        ('together, in GiB', *(m.total for m in found)),
    ]
    wide = max(len(row[0]) for row in rows)
    return '\n'.join(
        f'{row[0]:{wide}}' + ''.join(f'  {_gib(value):>7}' for value in row[1:]) for row in rows
    )


def table(configs: Iterable[Tuple[str, Config]], size: Optional[Tuple[int, int]] = None) -> str:
    """Markdown: for each config what an image takes, and how many fit on a card."""
    heads = ['config', 'pixels', 'fixed']
    heads += [_way(*way) for way in WAYS]
    heads += [f'images on {card} GiB' for card in CARDS]
    lines = [_line(heads), _line(['---'] * len(heads))]
    for name, cfg in configs:
        lines.append(_line(_row(name, cfg, size)))
    return ''.join(lines)


def _row(name: str, cfg: Config, size: Optional[Tuple[int, int]]) -> List[str]:
    pairs = {
        way: [training_memory(cfg, size, n, *way) for n in (2, 3)]  # TransXNet needs two
        for way in WAYS
    }
    few, _ = pairs[WAYS[0]]
    cells = [f'`{name}`', '{}x{}'.format(*(size or training_size(cfg))), _gib(few.fixed)]
    cells += [_gib(_each(*pairs[way])) for way in WAYS]
    cells += [', '.join(str(images_that_fit(*pairs[way], card)) for way in WAYS) for card in CARDS]
    return cells


def _each(few: TrainingMemory, more: TrainingMemory) -> int:
    return more.total - few.total


def _way(precision: str, with_cp: bool) -> str:
    return f'{precision}, `with_cp`' if with_cp else precision


def _gib(value: object) -> str:
    return value if isinstance(value, str) else f'{value / GIB:.2f}'


def _line(cells: List[str]) -> str:
    return '| ' + ' | '.join(cells) + ' |\n'

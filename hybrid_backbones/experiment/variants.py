"""Variants of a config: a grid of settings, and what each is called."""

import re
from itertools import product
from pathlib import Path
from typing import Any, Dict, Iterable, List, Sequence, Tuple

Grid = Sequence[Tuple[str, Sequence[Any]]]  # keys with the values of each


def grid(settings: Grid) -> List[Dict[str, Any]]:
    """Every combination of the values of some keys; of no keys the one without settings.

    Example:
        >>> grid([('lr', [1, 2]), ('decay', [0])])
        [{'lr': 1, 'decay': 0}, {'lr': 2, 'decay': 0}]
    """
    keys = [key for key, _ in settings]
    return [dict(zip(keys, values)) for values in product(*(values for _, values in settings))]


def split_values(text: str) -> List[str]:
    """What commas separate, but those inside of brackets.

    Example:
        >>> split_values('1e-4,[1, 2]')
        ['1e-4', '[1, 2]']
    """
    parts, depth = [''], 0
    for letter in text:
        depth += (letter in '([{') - (letter in ')]}')
        if letter == ',' and not depth:
            parts.append('')
        else:
            parts[-1] += letter
    return parts


def short_name(config: str, settings: Dict[str, Any], tested_only: bool = False) -> str:
    """What a row is called: its config's file, and what it changes.

    Args:
        config: As a study names it.
        settings: By dotted keys; of each the shortest ending that tells it from the others is kept.
        tested_only: It is a checkpoint that others trained.

    Example:
        >>> short_name('mmdet::a/mask_rcnn.py', {'optim_wrapper.optimizer.lr': 0.1})
        'mask_rcnn-lr=0.1'
    """
    parts = [Path(config.rpartition('::')[2]).name]
    parts[0] = parts[0][:-3] if parts[0].endswith('.py') else parts[0]
    parts += [f'{_ending(key, settings)}={value}' for key, value in settings.items()]
    parts += ['published'] if tested_only else []
    return re.sub(r'[^\w.=+,-]+', '_', '-'.join(parts)).strip('_')


def _ending(key: str, keys: Iterable[str]) -> str:
    words = key.split('.')
    others = [other.split('.') for other in keys if other != key]
    for length in range(1, len(words) + 1):
        if all(other[-length:] != words[-length:] for other in others):
            return '.'.join(words[-length:])
    return key

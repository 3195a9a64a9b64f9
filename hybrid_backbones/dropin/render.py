"""The text of the new config."""

import keyword
from pathlib import Path
from textwrap import wrap
from typing import Any, Dict, List, Tuple

from ..config.traverse import Path as Keys
from .changes import DropIn
from .source import Source

WIDTH = 100
MARK = 'Written by hybrid-backbones drop-in'


def config_text(drop: DropIn, folder: Path) -> str:
    """A short config, to be saved in ``folder``, that inherits the old one and changes it.

    Args:
        drop: The plan.
        folder: Where the file will be; a base that is no library's is named relative to it.
    """
    base = drop.source.base_from(folder)
    old = drop.model.backbone.type
    first = f'{MARK}: {drop.variant.family} {drop.variant.arch} in place of {old} in {base}.'
    lines = _comment(first)
    for note in drop.notes:
        lines += _comment(f'- {note}.', '  ')
    lines += [f'_base_ = [{base!r}]', '']
    tree = _tree({drop.backbone: drop.edits[drop.backbone], **drop.edits})
    for key, node in tree.items():
        lines.append(f'{key} = {_value(node, (key,), drop.source, len(key) + 3, 0)}')
    return '\n'.join(lines) + '\n'


def _comment(text: str, more: str = '') -> List[str]:
    lines = wrap(
        text,
        WIDTH - 2,
        subsequent_indent=more,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [f'# {line}' for line in lines]


class _Node(Dict[Any, Any]):
    """Changes below a dict or list of the old config, by key or index."""


def _tree(edits: Dict[Keys, Any]) -> _Node:
    tree = _Node()
    for path, value in edits.items():
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, _Node())
        node[path[-1]] = value
    return tree


def _value(node: Any, path: Keys, source: Source, taken: int, depth: int) -> str:
    """The text of a change; ``taken`` characters of its line stand before it."""
    if not isinstance(node, _Node):
        return _literal(node, taken, depth)
    listed = any(isinstance(key, int) for key in path)
    if any(isinstance(key, int) for key in node):  # mmengine replaces lists whole
        items = []
        for i in range(len(source.value(*path))):
            inside = (*path, i)
            if i in node:
                items.append(('', _value(node[i], inside, source, 4 * (depth + 1), depth + 1)))
            else:
                items.append(('', _name(inside)))
        return _wrapped('[', items, ']', taken, depth)
    items = []
    for key, child in node.items():
        inside, before = (*path, key), f'{key}='
        room = 4 * (depth + 1) + len(before)
        whole = listed and isinstance(child, dict) and not isinstance(child, _Node)
        child = {k: v for k, v in child.items() if k != '_delete_'} if whole else child
        items.append((before, _value(child, inside, source, room, depth + 1)))
    if listed and source.value(*path) is not None:
        items.insert(0, ('', _name(path)))
    return _wrapped('dict(', items, ')', taken, depth)


def _name(path: Keys) -> str:
    """How a config reads a value of its base."""
    return '_base_' + ''.join(f'[{key}]' if isinstance(key, int) else f'.{key}' for key in path)


def _literal(value: Any, taken: int, depth: int) -> str:
    if isinstance(value, dict):
        named = all(isinstance(k, str) and k.isidentifier() for k in value)
        named = named and not any(keyword.iskeyword(k) for k in value)
        items = []
        for key, child in value.items():
            before = f'{key}=' if named else f'{key!r}: '
            room = 4 * (depth + 1) + len(before)
            items.append((before, _literal(child, room, depth + 1)))
        return _wrapped('dict(' if named else '{', items, ')' if named else '}', taken, depth)
    if isinstance(value, (list, tuple)):
        opening, closing = ('[', ']') if isinstance(value, list) else ('(', ')')
        if len(value) == 1 and isinstance(value, tuple):
            closing = ',)'
        items = [('', _literal(child, 4 * (depth + 1), depth + 1)) for child in value]
        return _wrapped(opening, items, closing, taken, depth)
    text = repr(value)
    if isinstance(value, str) and taken + len(text) >= WIDTH and '/' in value:
        cut = value.rindex('/') + 1  # an address: its file on a line of its own
        return f'{value[:cut]!r}\n{" " * 4 * depth}{value[cut:]!r}'
    return text


def _wrapped(
    opening: str, items: List[Tuple[str, str]], closing: str, taken: int, depth: int
) -> str:
    """On one line where it fits, else one item a line."""
    parts = [before + text for before, text in items]
    line = opening + ', '.join(parts) + closing
    if '\n' not in line and taken + len(line) < WIDTH:
        return line
    inside = ' ' * 4 * (depth + 1)
    rows = ''.join(f'{inside}{part},\n' for part in parts)
    return f'{opening}\n{rows}{" " * 4 * depth}{closing.lstrip(",")}'

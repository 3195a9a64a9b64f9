"""Write the tables of docs/*.md that are data: python docs/tables.py [--check].

A table stands between ``<!-- NAME: ... -->`` and ``<!-- end -->``.
"""

import ast
import re
import sys
from itertools import groupby
from pathlib import Path
from typing import Iterable, Iterator

from hybrid_backbones import list_archs
from hybrid_backbones.weights import PRETRAINED
from hybrid_backbones.zoo.archs import FAMILIES

DOCS = Path(__file__).resolve().parent
PROJECT = DOCS.parent
PLACE = re.compile(r'(?P<begin><!-- (?P<name>\w+): [^>]*-->\n).*?(?P<end><!-- end -->)', re.DOTALL)


def weights() -> Iterator[str]:
    """Every published file."""
    yield from _head('family', 'arch', 'file', 'top-1', 'licence', 'where')
    for file in sorted(PRETRAINED, key=lambda file: file.family):
        yield _row(
            file.family,
            f'`{file.arch}`',
            f'`{file.file}`',
            f'[{file.top1}]({file.source})' if file.top1 else 'not published',
            file.licence,
            f'[{"file" if file.direct else "page"}]({file.url})',
        )


def channels() -> Iterator[str]:
    """Channels of the levels, archs that agree in one row."""
    yield from _head('family', 'archs', '`in_channels`')
    for (family, widths), same in groupby(list_archs(), lambda info: (info.family, info.channels)):
        yield _row(family, ', '.join(f'`{info.arch}`' for info in same), f'`{list(widths)}`')


def places() -> Iterator[str]:
    """Every module of the package that names all families but one, or all."""
    yield from _head('file', 'what it is')
    for path in sorted(PROJECT.glob('hybrid_backbones/**/*.py')):
        text = path.read_text()
        if sum(family.lower() in text.lower() for family in FAMILIES) >= len(FAMILIES) - 1:
            about = (ast.get_docstring(ast.parse(text)) or '').split('\n\n')[0]
            yield _row(f'`{path.relative_to(PROJECT)}`', ' '.join(about.split()))


TABLES = dict(weights=weights, channels=channels, places=places)


def filled(page: str) -> str:
    """The text of a page with its tables written anew."""

    def table(place: re.Match) -> str:
        lines = ''.join(f'{line}\n' for line in TABLES[place['name']]())
        return f'{place["begin"]}\n{lines}\n{place["end"]}'

    return PLACE.sub(table, page)


def _head(*names: str) -> Iterable[str]:
    return _row(*names), _row(*['---'] * len(names))


def _row(*cells: object) -> str:
    return '| ' + ' | '.join(map(str, cells)) + ' |'


def main() -> None:
    for path in sorted(DOCS.glob('*.md')):
        page = path.read_text()
        if filled(page) == page:
            continue
        if '--check' in sys.argv:
            sys.exit(f'docs/{path.name} is out of date: run python docs/tables.py')
        path.write_text(filled(page))


if __name__ == '__main__':
    main()

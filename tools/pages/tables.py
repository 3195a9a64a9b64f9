"""Write the tables of docs/*.md that are the package's own data.

python -m tools.pages.tables [--check]
"""

from argparse import Namespace
from itertools import groupby

from hybrid_backbones import list_archs
from hybrid_backbones.cli.arguments import Parser, run
from hybrid_backbones.utils.text import markdown_table
from hybrid_backbones.weights import PRETRAINED
from tools.pages.marked import DOCS, names, write_or_check


def weights() -> str:
    """Every published file."""
    return markdown_table(
        ('family', 'arch', 'file', 'top-1', 'licence', 'where'),
        [
            (
                file.family,
                f'`{file.arch}`',
                f'`{file.file}`',
                f'[{file.top1}]({file.source})' if file.top1 else 'not published',
                file.licence,
                f'[{"file" if file.direct else "page"}]({file.url})',
            )
            for file in sorted(PRETRAINED, key=lambda file: file.family)
        ],
    )


def channels() -> str:
    """Channels of the levels, archs that agree in one row."""
    groups = groupby(list_archs(), lambda info: (info.family, info.channels))
    return markdown_table(
        ('family', 'archs', '`in_channels`'),
        [
            (family, ', '.join(f'`{info.arch}`' for info in same), f'`{list(widths)}`')
            for (family, widths), same in groups
        ],
    )


TABLES = dict(weights=weights, channels=channels)


def parse_args() -> Namespace:
    parser = Parser(description="Write the tables of docs/*.md that are the package's own data")
    parser.add_argument('--check', action='store_true', help='write nothing; 1 if out of date')
    return parser.parse_args(namespace=Namespace(local_rank=0))


def main(args: Namespace) -> None:
    pages = {path: names(path.read_text(encoding='utf-8')) for path in sorted(DOCS.glob('*.md'))}
    parts = {
        path: {name: TABLES[name]() for name in found if name in TABLES}
        for path, found in pages.items()
    }
    write_or_check(parts, args.check, 'tools.pages.tables')


if __name__ == '__main__':
    run(parse_args, main)

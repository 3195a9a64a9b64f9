"""Tables as text: Markdown for pages, aligned columns for terminals."""

from typing import Iterable, Sequence


def markdown_table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, each line with its newline; a ``|`` in a cell is escaped."""
    return ''.join(map(_markdown_row, (head, ['---'] * len(head), *rows)))


def _markdown_row(cells: Sequence[object]) -> str:
    return '| ' + ' | '.join(str(cell).replace('|', r'\|') for cell in cells) + ' |\n'


def aligned_columns(rows: Sequence[Sequence[str]], align: str, indent: str = '') -> str:
    """Rows of cells as lines of equally wide columns, two spaces apart.

    Args:
        rows: Cells, as many in each row as ``align`` has letters.
        align: For each column, ``'l'`` for flush left or ``'r'`` for flush right.
        indent: Put in front of every line.

    Returns:
        The lines, without trailing spaces and without a last newline.
    """
    widths = [max(map(len, column)) for column in zip(*rows)]
    return '\n'.join(
        (indent + '  '.join(map(_padded, align, row, widths))).rstrip() for row in rows
    )


def _padded(align: str, cell: str, width: int) -> str:
    return cell.rjust(width) if align == 'r' else cell.ljust(width)

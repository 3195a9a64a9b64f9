"""The table as Markdown, for a README or an issue."""

from ...utils.text import markdown_table
from .content import Cell, Content, cells, head


def render(content: Content) -> str:
    """The table, its notes, and where numbers are published."""
    rows = [[_text(cell) for cell in cells(line)] for line in content.lines]
    notes = [f'- {note}\n' for note in content.notes]
    notes += [f'- Published for `{name}`: {url}\n' for name, url in content.sources.items()]
    return markdown_table(head(content), rows) + '\n' + ''.join(notes)


def _text(cell: Cell) -> str:
    return f'**{cell.text}**' if cell.bold else cell.text

"""The table as a page of HTML."""

from html import escape
from typing import List

from .content import Cell, Content, cells, head

STYLE = (
    'body { font-family: sans-serif } table { border-collapse: collapse } '
    'th, td { padding: 0.2em 0.6em; text-align: left } '
    'thead { border-top: 2px solid; border-bottom: 1px solid } tbody { border-bottom: 2px solid }'
)


def render(content: Content) -> str:
    """A whole page; the table can be taken out of it."""
    title = escape(content.title)
    notes = [f'<li>{escape(note)}</li>' for note in content.notes]
    notes += [
        f'<li>Published for {escape(name)}: <a href="{escape(url)}">{escape(url)}</a></li>'
        for name, url in content.sources.items()
    ]
    lines = [
        '<!DOCTYPE html>',
        '<html lang="en">',
        f'<head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>',
        '<body>',
        f'<table><caption>{title}</caption>',
        f'<thead>{_row([Cell(name) for name in head(content)], "th")}</thead>',
        '<tbody>',
        *(_row(cells(line), 'td') for line in content.lines),
        '</tbody></table>',
        '<ul>',
        *notes,
        '</ul>',
        '</body></html>',
    ]
    return '\n'.join(lines) + '\n'


def _row(row: List[Cell], tag: str) -> str:
    texts = [f'<b>{escape(cell.text)}</b>' if cell.bold else escape(cell.text) for cell in row]
    return '<tr>' + ''.join(f'<{tag}>{text}</{tag}>' for text in texts) + '</tr>'

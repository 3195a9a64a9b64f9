"""The table as LaTeX with booktabs, to be included by ``\\input``."""

from typing import Iterator, List

from .content import MARK, Cell, Content, cells, head

_SPECIAL = {
    '\\': r'\textbackslash{}',
    '~': r'\textasciitilde{}',
    '^': r'\textasciicircum{}',
    '<': r'\textless{}',
    '>': r'\textgreater{}',
    '|': r'\textbar{}',
    '"': "''",
    MARK: r'\dag{}',
    **{letter: f'\\{letter}' for letter in '&%$#_{}'},
}
LEFT = ('model', 'difference', 'published')  # the other columns are numbers


def escape(text: str) -> str:
    """Text that LaTeX prints as it is; a letter that no usual font has becomes ``?``.

    Example:
        >>> print(escape('a_b 5%'))
        a\\_b 5\\%
    """
    return ''.join(_SPECIAL.get(each, each if each.isascii() else '?') for each in text)


def render(content: Content) -> str:
    """A floating table: names, numbers, and below them the notes in small print."""
    names = head(content)
    align = ''.join('l' if name in LEFT else 'r' for name in names)
    lines = [
        r'% needs \usepackage{booktabs,url}',
        r'\begin{table*}',
        r'\centering',
        f'\\caption{{{escape(content.title)}}}',
        f'\\label{{tab:{_label(content.title)}}}',
        r'\footnotesize',
        r'\setlength{\tabcolsep}{3pt}',
        f'\\begin{{tabular}}{{{align}}}',
        r'\toprule',
        _row([Cell(name) for name in names]),
        r'\midrule',
        *(_row(cells(line)) for line in content.lines),
        r'\bottomrule',
        r'\end{tabular}',
        r'\par\smallskip',
        r'\begin{minipage}{\linewidth}\raggedright\scriptsize',  # \url may not be an argument
        *_notes(content),
        r'\end{minipage}',
        r'\end{table*}',
    ]
    return '\n'.join(lines) + '\n'


def _row(row: List[Cell]) -> str:
    texts = [f'\\textbf{{{escape(cell.text)}}}' if cell.bold else escape(cell.text) for cell in row]
    return f'{" & ".join(texts)} \\\\'


def _notes(content: Content) -> Iterator[str]:
    for note in content.notes:
        yield f'{escape(note)}\\par'
    for name, url in content.sources.items():
        yield f'Published for {escape(name)}: \\url{{{url}}}\\par'


def _label(title: str) -> str:
    return ''.join(letter if letter.isalnum() else '-' for letter in title)

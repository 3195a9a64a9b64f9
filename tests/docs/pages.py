"""The project's texts, taken apart: links, anchors, code and commands."""

import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Iterator, List, Set, Tuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / 'docs'
ROOT_PAGES = ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md')
PAGES = [*(PROJECT / name for name in ROOT_PAGES), *sorted(DOCS.glob('*.md'))]
SHELL = ('', 'bash', 'sh', 'shell')  # '' is an indented block
OPERATORS = re.compile(r'[();<>|&]+')
OPTIONAL = re.compile(r'\[(-[^][|]*)(\|[^][]*)?\]')  # [--flag VALUE], [--one | --other]


@dataclass(frozen=True)
class Code:
    """A block of code.

    Args:
        page: Its file.
        line: Where it begins, from 1.
        language: What stands behind the fence.
        text: The code.
    """

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f'{self.page.name}:{self.line}'


@cache
def tokens(page: Path) -> Tuple[Token, ...]:
    """The blocks of a page, as CommonMark has them, and tables."""
    return tuple(MarkdownIt('commonmark').enable('table').parse(page.read_text(encoding='utf-8')))


def inlines(page: Path) -> Iterator[Token]:
    """What stands inside the paragraphs, headings and tables of a page."""
    for token in tokens(page):
        yield from token.children or ()


def links(page: Path) -> List[str]:
    """Where a page's links and images lead."""
    kinds = dict(link_open='href', image='src')
    return [str(x.attrs[kinds[x.type]]) for x in inlines(page) if x.type in kinds]


def anchors(page: Path) -> Set[str]:
    """The names that GitHub gives a page's headings."""
    found: List[str] = []
    blocks = tokens(page)
    for before, token in zip(blocks, blocks[1:]):
        if before.type == 'heading_open':
            text = ''.join(child.content for child in token.children or ())
            name = re.sub(r'[^\w\- ]', '', text.strip().lower()).replace(' ', '-')
            found.append(f'{name}-{n}' if (n := found.count(name)) else name)
    return set(found)


def blocks(page: Path) -> List[Code]:
    """The blocks of code of a page."""
    return [
        Code(page, token.map[0] + 1, _language(token), token.content)
        for token in tokens(page)
        if token.type in ('fence', 'code_block')
    ]


def _language(token: Token) -> str:
    return '' if token.type == 'code_block' else token.info.strip() or 'text'


def code_words(page: Path) -> List[str]:
    """Code inside sentences."""
    return [token.content for token in inlines(page) if token.type == 'code_inline']


def commands(text: str) -> Iterator[List[str]]:
    """The commands of a shell block, as lists of words; optional parts are taken as given."""
    for line in text.replace('\\\n', ' ').splitlines():
        while OPTIONAL.search(line):
            line = OPTIONAL.sub(r'\1', line)
        lexer = shlex.shlex(line.removeprefix('$ '), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: List[str] = []
        for word in lexer:
            if OPERATORS.fullmatch(word):
                yield words
                words = []
            else:
                words.append(word)
        yield words


def shell_commands(page: Path) -> Iterator[Tuple[Code, List[str]]]:
    """Every command in the shell blocks of a page."""
    for block in blocks(page):
        if block.language in SHELL:
            yield from ((block, words) for words in commands(block.text) if words)

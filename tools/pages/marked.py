"""The generated parts of a page, each between two comments.

``<!-- begin NAME: written by ... -->`` and ``<!-- end NAME -->`` stand on lines of their own; what
is between them is replaced as a whole.
"""

import re
from pathlib import Path
from typing import Collection, List, Mapping

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.utils.files import write_text

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / 'docs'
PART = re.compile(
    r'^(?P<begin><!-- begin (?P<name>\w+)\b[^>]*-->\n)(?P<content>.*?)'
    r'(?P<end>^<!-- end (?P=name) -->$)',
    re.DOTALL | re.MULTILINE,
)


def names(text: str) -> List[str]:
    """The names of the generated parts of a page."""
    return [part['name'] for part in PART.finditer(text)]


def replaced(text: str, contents: Mapping[str, str]) -> str:
    """The text of a page with some of its generated parts written anew; the others stay."""

    def part(match: re.Match) -> str:
        if match['name'] not in contents:
            return match[0]
        content = contents[match['name']].strip('\n')
        return f'{match["begin"]}\n{content}\n\n{match["end"]}'

    return PART.sub(part, text)


def read_page(page: Path, wanted: Collection[str]) -> str:
    """The text of a page that has these parts.

    Raises:
        ConfigError: There is no such page, or a part has no place in it.
    """
    text = page.read_text(encoding='utf-8') if page.is_file() else ''
    for name in wanted:
        if name not in names(text):
            raise ConfigError(
                f'{page} must be a page with the lines <!-- begin {name} --> '
                f'and <!-- end {name} -->'
            )
    return text


def write_parts(page: Path, contents: Mapping[str, str]) -> None:
    """Write generated parts into a page, which is never left half written.

    Raises:
        ConfigError: There is no such page, or a part has no place in it.
    """
    text = replaced(read_page(page, contents), contents)
    write_text(page, text)


def is_up_to_date(page: Path, contents: Mapping[str, str]) -> bool:
    """Whether a page has these parts as they would be written now."""
    text = read_page(page, contents)
    return replaced(text, contents) == text


def write_or_check(pages: Mapping[Path, Mapping[str, str]], check: bool, command: str) -> None:
    """Write the generated parts of some pages, or only compare them.

    Args:
        pages: For each page its parts, by name.
        check: Write nothing.
        command: What writes the parts, for the message.

    Raises:
        ConfigError: There is no such page, or a part has no place in it.
        SystemExit: ``check`` is set and a page is out of date.
    """
    for page, contents in pages.items():
        if not check:
            write_parts(page, contents)
        elif not is_up_to_date(page, contents):
            raise SystemExit(f'{page.name} is out of date: run python -m {command}')

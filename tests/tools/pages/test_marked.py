"""Generated parts of pages, and what is around them."""

import pytest

from hybrid_backbones.errors import ConfigError
from tools.pages.marked import (
    is_up_to_date,
    names,
    read_page,
    replaced,
    write_or_check,
    write_parts,
)

PAGE = """words
<!-- begin one: written by python -m tools.pages.some -->

old

<!-- end one -->
between
<!-- begin two -->
kept
<!-- end two -->
after
"""


def test_parts():
    assert names(PAGE) == ['one', 'two']
    text = replaced(PAGE, dict(one='new\n', three='nowhere'))
    assert text == PAGE.replace('old', 'new')
    assert replaced(text, dict(one='\n\nnew\n\n')) == text, 'again'
    assert replaced(PAGE, dict(two='new')).endswith('two -->\n\nnew\n\n<!-- end two -->\nafter\n')


def test_backslashes_are_text():
    assert r'a \1 \| b' in replaced(PAGE, dict(one=r'a \1 \| b'))


def test_a_part_ends_with_its_own_name():
    broken = '<!-- begin one -->\n<!-- end two -->\n<!-- begin two -->\n<!-- end two -->\n'
    assert names(broken) == ['two']


def test_writing(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text(PAGE)
    assert not is_up_to_date(page, dict(one='new'))
    write_parts(page, dict(one='new'))
    assert page.read_text() == PAGE.replace('old', 'new')
    assert is_up_to_date(page, dict(one='new'))
    assert list(tmp_path.iterdir()) == [page]


def test_refusals(tmp_path):
    page = tmp_path / 'page.md'
    with pytest.raises(ConfigError, match='must be a page with the lines <!-- begin one -->'):
        read_page(page, ['one'])
    page.write_text(PAGE)
    with pytest.raises(ConfigError, match='begin three'):
        write_parts(page, dict(one='new', three='new'))
    assert page.read_text() == PAGE
    with pytest.raises(SystemExit, match=r'page\.md is out of date: run python -m some'):
        write_or_check({page: dict(one='new')}, True, 'some')
    assert page.read_text() == PAGE

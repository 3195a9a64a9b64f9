"""The table of all exported architectures."""

import pytest

from hybrid_backbones import list_backbones
from hybrid_backbones.errors import ConfigError
from tools.pages.export import PAGE, PART, table, write_table
from tools.pages.marked import read_page


def test_table():
    fine = dict(megabytes=84.25, absolute=1e-5, relative=2.5e-6, opset=20, date='2026-01-02')
    fine['versions'] = 'torch 2'
    bad = dict(fine, error='ValueError: no')
    rows = {'cvt_13': {'ONNX': fine, 'torch.export': bad}}
    text = table(rows)
    assert '| `cvt_13` | 2.5e-06 | 84.2 | not run |  | **fails**: ValueError: no |  |' in text
    count = len(list_backbones())
    assert f'ONNX: 1 of {count} archs' in text
    assert f'torch.export: 0 of {count} archs' in text
    assert '`cvt_21`' in text.split('Not all run: ')[1]


def test_pages_that_are_refused(tmp_path):
    page, marks = tmp_path / 'export.md', f'<!-- begin {PART} -->\n<!-- end {PART} -->\n'
    with pytest.raises(ConfigError, match='must be a page with'):
        write_table(page, work_dir=tmp_path / 'work')
    page.write_text(marks)
    with pytest.raises(ConfigError, match=r"no arch 'cvt_14'; choose from conformer_base"):
        write_table(page, only=['cvt_14'], work_dir=tmp_path / 'work')
    assert page.read_text() == marks


def test_the_page_lists_all():
    page = read_page(PAGE, [PART])
    assert all(f'| `{name}` |' in page for name in list_backbones())

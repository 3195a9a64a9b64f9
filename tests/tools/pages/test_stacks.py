"""The table of stacks, from a report of pytest."""

from tools.pages.junit import read_report
from tools.pages.stacks import failures, summarise, table

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest">
<testcase classname="tests.layers.test_layers" name="test_it"/>
<testcase classname="tests.layers.test_layers" name="test_it[2]"><failure message="no">x</failure>
</testcase>
<testcase classname="tests.layers.test_layers" name="test_it[3]">
<skipped message="could not import 'mmcv.cnn': No module named 'mmcv'">x</skipped></testcase>
<testcase classname="" name="tests.openmmlab.test_repairs"><skipped message="collection skipped">
('/a/test.py', 11, "Skipped: could not import 'mmdet': none")</skipped></testcase>
<testcase classname="" name="tests.openmmlab.test_x"><skipped message="collection skipped">
('/a/test.py', 11, 'Skipped: torch before 2.2 is too old')</skipped></testcase>
</testsuite></testsuites>
"""
ROW = dict(versions=dict(Python='3.9.1', torch='2.1.2'), date='2026-01-31', commit='1826d84')


def test_row(tmp_path):
    (tmp_path / 'report.xml').write_text(REPORT)
    row = dict(ROW, **summarise(list(read_report(tmp_path / 'report.xml'))))
    header, _, line = table({'core-old': row}).strip().splitlines()
    assert header.endswith('| passed | failed | skipped | date | commit | why skipped |')
    assert (
        '| Python 3.9.1, torch 2.1.2 | 1 | 1 | 3 | 2026-01-31 | 1826d84 | needs mmcv (1); ' in line
    )
    assert 'needs mmdet (1); torch before 2.2 is too old (1) |' in line
    assert failures({'core-old': row}).strip() == (
        '*core-old*, failed: `layers.test_layers::test_it[2]`.'
    )


def test_nothing_failed():
    assert failures({'U': dict(ROW, failures=[])}) == 'Nothing failed.'

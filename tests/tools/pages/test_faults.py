"""The table of faults, from a report of pytest."""

from tools.pages.faults import page, read

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest">
<testcase classname="tests.engine.test_survival" name="test_a_full_disk_costs_nothing[1]"/>
<testcase classname="tests.engine.test_survival" name="test_a_full_disk_costs_nothing[2]">
<failure message="lost">here</failure></testcase>
<testcase classname="tests.weights.test_loading" name="test_a_zip_bomb"><skipped/></testcase>
</testsuite></testsuites>
"""


def test_page(tmp_path):
    (tmp_path / 'report.xml').write_text(REPORT)
    cases = list(read(tmp_path / 'report.xml'))
    assert [outcome for *_, outcome in cases] == ['survived', 'lost', 'skipped']
    text = page(cases)
    assert text.startswith('3 tried, 1 survived, 1 lost, 1 skipped; ')
    assert '| a full disk costs nothing | 2 | 1 | 1 |  |\n' in text
    assert '### Checkpoints\n\n| Checkpoints | tried | survived | lost | skipped |\n' in text
    assert '| a zip bomb | 1 |  |  | 1 |\n' in text

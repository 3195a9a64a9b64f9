"""tools/describe.py as a user runs it."""

from tests.tools.commands import complaint, tool


def test_text(tmp_path):
    result = tool(tmp_path, 'describe', 'cvt_13', '--size', '224x224')
    assert result.returncode == 0, result.stderr
    for part in ('levels of an image of 224x224', 'cvt_13', 'Level 3 is ours', '20.9 M params'):
        assert part in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_refusals(tmp_path):
    corrupt = tmp_path / 'mine.py'
    corrupt.write_text('model = dict(')
    for arguments, parts in (
        (['uniformer_m'], ["no backbone 'uniformer_m'", 'uniformer_s', 'uniformer_small']),
        ([corrupt], ['mine.py cannot be read']),
        (['cvt_13', '--size', '224'], ['--size', 'HEIGHTxWIDTH']),
    ):
        line = complaint(tool(tmp_path, 'describe', *arguments))
        for part in parts:
            assert part in line

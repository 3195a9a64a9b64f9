"""``hybrid-backbones describe``."""


def test_text(command, tmp_path):
    result = command('describe', 'cvt_13', '--size', '224x224')
    assert result.status == 0, result.err
    for part in ('levels of an image of 224x224', 'cvt_13', 'Level 3 is ours', '20.9 M params'):
        assert part in result.out
    assert list(tmp_path.iterdir()) == []


def test_refusals(command, tmp_path):
    corrupt = tmp_path / 'mine.py'
    corrupt.write_text('model = dict(')
    for arguments, parts in (
        (['uniformer_m'], ["no backbone 'uniformer_m'", 'uniformer_s', 'uniformer_small']),
        ([corrupt], ['mine.py cannot be read']),
        (['cvt_13', '--size', '224'], ['--size', 'HEIGHTxWIDTH']),
        (['cvt_13', '--size', '9x9'], ['--size must be at least 32x32 pixels, got 9x9']),
    ):
        line = command('describe', *arguments).refusal
        for part in parts:
            assert part in line

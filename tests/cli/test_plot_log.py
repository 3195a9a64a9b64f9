"""``hybrid-backbones plot-log``."""

import json

import cv2
import pytest


@pytest.fixture
def run(tmp_path):
    """A run of 20 iterations, killed while it wrote."""
    file = tmp_path / 'work' / '20260101_000000' / 'vis_data' / 'scalars.json'
    file.parent.mkdir(parents=True)
    rows = [dict(lr=0.1, loss=1 / i, iter=i, step=i, epoch=1) for i in range(1, 21)]
    rows.append({'coco/bbox_mAP': 0.5, 'step': 1})
    file.write_text(''.join(json.dumps(row) + '\n' for row in rows) + '{"lr": 0.')
    return file


def test_figure(command, tmp_path, run):
    result = command('plot-log', 'work', '--smooth', '5', '--out', 'new/curves.png')
    assert result.status == 0, result.out + result.err
    assert result.out.splitlines() == [
        'work: 20 iterations, loss 1 to 0.05, highest coco/bbox_mAP 0.5 at epoch 1',
        'written: new/curves.png',
    ]
    assert result.err == (
        'work/20260101_000000/vis_data/scalars.json: line 22, the last one, is cut off: skipped\n'
    )
    picture = cv2.imread(str(tmp_path / 'new' / 'curves.png'))
    assert picture.shape == (400, 1560, 3), 'three panels'
    assert (picture < 250).any(2).mean() > 0.02, 'something is drawn'


@pytest.mark.parametrize(
    'arguments, parts',
    [
        (['gone'], ['no log at gone']),
        (['work', '--out', 'a.xyz'], ['--out takes', 'png', "'a.xyz'"]),
        (['work', '--smooth', '0'], ['--smooth', 'at least 1']),
        (['garbage.json'], ['garbage.json is corrupt in line 1']),
    ],
)
def test_refusals(command, tmp_path, run, arguments, parts):
    (tmp_path / 'garbage.json').write_text('garbage\n' * 3)
    before = sorted(tmp_path.rglob('*'))
    line = command('plot-log', *arguments).refusal
    for part in parts:
        assert part in line
    assert sorted(tmp_path.rglob('*')) == before, 'nothing was written'

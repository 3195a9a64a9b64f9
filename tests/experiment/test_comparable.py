"""Runs that must not be compared are marked, with the reason."""

import pytest

from hybrid_backbones.experiment.comparable import mark
from hybrid_backbones.experiment.record import Record, record
from tests.experiment.drawn import draw_start


@pytest.mark.parametrize(
    'change, reason',
    [
        (
            dict(dataset='CityscapesDataset'),
            'other data: CityscapesDataset images/validation+annotations/validation, not '
            'ADE20KDataset images/validation+annotations/validation',
        ),
        (
            dict(root='data/mini/ade20k'),
            'other data: ADE20KDataset images/validation+annotations/validation (synthetic), not '
            'ADE20KDataset images/validation+annotations/validation',
        ),
        (dict(mode='slide'), 'other test settings'),
        (dict(torch='2.0.1'), 'other versions: torch 2.0.1, not 2.1.0+cu121'),
        (dict(rate=0.1), ''),  # which may be what is compared
        (dict(root='/mnt/ade'), ''),
    ],
)
def test_of_different_rows(tmp_path, change, reason):
    found = [
        record(draw_start(tmp_path / name, **options))
        for name, options in (('a', {}), ('b', change), ('c', {}))
    ]
    mark(found)
    assert [run.marks for run in found] == [[], [reason] if reason else [], []]


def of_row(**options):
    return Record('a', 0, '', status='done', last=dict(mIoU=1.0), **options)


def test_within_a_row():
    """Seeds of a row have one config, and one beginning."""
    runs = [
        of_row(config_sha256='1', weights=[dict(file='w', sha256='a')]),
        of_row(config_sha256='1', weights=[dict(file='w', sha256='b')]),
        of_row(config_sha256='2', weights=[dict(file='w', sha256='a')]),
        of_row(config_sha256='3', halved=True),
    ]
    mark(runs)
    assert [run.marks for run in runs] == [
        [],
        ['other initial weights than its row'],
        ['another config than its row'],
        ['half the batch and learning rate, since the whole batch did not fit'],
    ]


def test_gone_on_with_other_versions(tmp_path):
    folder = draw_start(tmp_path / 'a', metrics=(30.0,), torch='2.0.1', iters=10)
    draw_start(folder, start='20260102_120000')
    runs = [record(folder), record(draw_start(tmp_path / 'b')), record(draw_start(tmp_path / 'c'))]
    mark(runs)
    reason = 'trained with several versions: torch 2.0.1, then 2.1.0+cu121'
    assert [run.marks for run in runs] == [[reason], [], []]


def test_what_is_not_known_is_not_marked():
    runs = [of_row(versions=dict(torch='2')), of_row(versions=dict(mmcv='2')), of_row()]
    mark(runs)
    assert [run.marks for run in runs] == [[], [], []]


def test_marked_anew():
    runs = [of_row(marks=['an older reason'])]
    mark(runs)
    assert runs[0].marks == []

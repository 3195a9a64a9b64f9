"""Figures: which there are, what is drawn in them, and how."""

import pytest

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.experiment import figures
from hybrid_backbones.experiment.costs import Cost
from hybrid_backbones.experiment.gather import write_results
from tests.experiment.test_tables import results

pytest.importorskip('matplotlib')


def with_curves():
    mine = results()
    for run in mine.runs:
        run.unit = 'iterations'
        run.curves = dict(mIoU=[(10, run.last['mIoU'] - 5), (20, run.last['mIoU'])])
    return mine


def test_files(tmp_path):
    mine = with_curves()
    names = ['mIoU_over_params', 'mIoU_over_flops', 'mIoU_curves']
    written = figures.draw(mine, tmp_path)
    assert [path.name for path in written] == [
        f'{n}.{kind}' for n in names for kind in ('pdf', 'png')
    ]
    for path in written:
        assert path.read_bytes()[:4] in (b'%PDF', b'\x89PNG')
    mine.rows[0].cost.latency = 0.025
    names = {path.name for path in figures.draw(mine, tmp_path)}
    assert 'mIoU_over_latency.pdf' in names


def test_letters_stay_letters(tmp_path):
    """Journals refuse PDFs with Type 3 fonts."""
    figures.draw(with_curves(), tmp_path)
    content = (tmp_path / 'mIoU_over_params.pdf').read_bytes()
    assert b'/Type3' not in content and b'/FontFile2' in content


def test_points():
    mine = with_curves()
    mine.runs[-1].marks = ['other data']
    mine.rows[1].cost = Cost()
    points = figures._points(mine, 'mIoU', 'params')
    assert [(point.label, point.cost) for point in points] == [('base', 20.0), ('near', 20.0)]
    assert (points[0].low, points[0].high) == (41.0, 41.2)
    assert points[0].mean == pytest.approx(41.1)


def test_bands():
    figure = figures._curves(with_curves(), 'mIoU')
    axes = figure.axes[0]
    drawn = {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}
    assert drawn['base'] == pytest.approx([36.1, 41.1]) and drawn['lone'] == [38.0, 43.0]
    assert len(axes.collections) == 3  # a single seed has no band
    low, high = 36.0, 41.2
    edges = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (edges.min(), edges.max()) == (low, high)
    assert axes.get_ylabel() == 'mIoU (%)' and axes.get_xlabel() == 'iteration'


def test_told_apart_without_colour():
    """In grey, markers and lines are left; and each row has its own of both."""
    styles = [style for _, style in figures._styles(with_curves()).values()]
    for key in ('marker', 'linestyle', 'color'):
        assert len({style[key] for style in styles}) == len(styles)


def test_labels():
    names = ['upernet_cvt_13_160k_ade20k', 'upernet_uniformer_s_160k_ade20k']
    assert figures.short_labels(names) == ['cvt_13', 'uniformer_s']
    assert figures.short_labels(['a_b']) == ['a_b']
    assert figures.short_labels(['a_b', 'a_b_c']) == ['b', 'b_c']
    assert figures.short_labels(['a', 'a_b']) == ['a', 'a_b']


def test_only_what_may_be_compared(tmp_path):
    mine = with_curves()
    for run in mine.runs:
        run.marks = ['other data']
    with pytest.raises(ConfigError, match='nothing to draw'):
        figures.draw(mine, tmp_path)


def test_nothing_to_draw(tmp_path):
    mine = results(runs=[])
    with pytest.raises(ConfigError, match='my_study has no run with a metric yet'):
        figures.draw(mine, tmp_path)


def test_command(tmp_path, command):
    write_results(with_curves(), tmp_path / 'all.json')
    result = command('experiment', 'plot', 'all.json')
    assert result.status == 0
    assert 'wrote figures/mIoU_curves.pdf' in result.out
    assert (tmp_path / 'figures' / 'mIoU_curves.png').is_file()
    refusal = command('experiment', 'plot', 'all.json', '--latency').refusal
    assert '--latency needs STUDY.yml' in refusal

"""Tables: what they say, and that each format is whole."""

import csv
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from hybrid_backbones.experiment.costs import Cost
from hybrid_backbones.experiment.gather import Results, Row, write_results
from hybrid_backbones.experiment.record import Record
from hybrid_backbones.experiment.tables import FORMATS, content_of
from hybrid_backbones.experiment.tables.content import cells, head
from hybrid_backbones.experiment.tables.latex import escape

pytest.importorskip('scipy')

ROWS = dict(base=[41.0, 41.2], up=[44.0, 44.2], near=[41.1, 41.3], lone=[43.0])


def results(**changes):
    rows = [Row(name, name, cost=Cost(20_000_000, 5_000_000_000, [512, 512])) for name in ROWS]
    rows[0].published, rows[0].source = {'mIoU': 41.4}, 'https://a.b/c_d#e%20f'
    runs = [
        Record(name, seed, '', 'done', last=dict(mIoU=value), versions=dict(torch='2.1'))
        for name, values in ROWS.items()
        for seed, value in enumerate(values)
    ]
    for run in runs:
        run.machine, run.hours, run.seconds_per_step, run.peak_memory = 'A100', 2.0, 0.5, 3 << 30
    return Results(
        **{**dict(study='my_study', mini=False, baseline='base', rows=rows, runs=runs), **changes}
    )


def table(found):
    content = content_of(found)
    return {line.row.name: dict(zip(head(content), cells(line))) for line in content.lines}


def test_numbers():
    found = table(results())
    assert found['base']['mIoU'].text == '41.1 (41.0 to 41.2)'
    assert found['base']['difference'].text == ''
    assert found['base']['published'].text == '41.4 (-0.3, within noise)'
    assert found['up']['difference'].text == '+3.0, differs'
    assert found['near']['difference'].text == '+0.1, within noise'
    assert found['lone']['difference'].text == '+1.9, one seed: cannot tell'
    assert found['lone']['mIoU'].text == '43.0'
    assert found['up']['hours'].text == '4.00' and found['lone']['hours'].text == '2.00'
    row = {key: cell.text for key, cell in found['up'].items()}
    assert (row['params (M)'], row['GFLOPs'], row['seeds']) == ('20.0', '5.0', '2')
    assert (row['s/step'], row['GiB']) == ('0.500', '3.0')
    assert [name for name, row in found.items() if row['mIoU'].bold] == ['up']


def test_a_draw_is_bold_twice():
    mine = results()
    mine.runs[-1].last = dict(mIoU=44.06)  # 44.1 in the table, as the other's mean
    assert [name for name, row in table(mine).items() if row['mIoU'].bold] == ['up', 'lone']


def test_marked_runs_do_not_count():
    mine = results()
    mine.runs[3].marks = ['other data: x']  # one seed of two
    mine.runs[-1].marks = ['other versions: y']  # the only one
    found = table(mine)
    assert found['up']['mIoU'].text == '44.0' and found['up']['seeds'].text == '1'
    assert found['lone']['model'].text == 'lone†'
    assert found['lone']['difference'].text == 'not comparable'
    notes = content_of(mine).notes
    assert 'up, seed 1: not comparable: other data: x (left out)' in notes
    assert 'lone, seed 0: not comparable: other versions: y' in notes
    mine.runs[-1].last = dict(mIoU=99.0)
    assert not table(mine)['lone']['mIoU'].bold


def test_runs_that_are_not_done():
    mine = results()
    mine.runs[2].status, mine.runs[2].reason = 'failed', 'out of memory: tried 2 GiB'
    mine.runs[3].status, mine.runs[3].reason = 'torn', 'nobody saw how'
    assert table(mine)['up']['mIoU'].text == '-'
    notes = content_of(mine).notes
    assert 'up, seed 0: failed: out of memory: tried 2 GiB' in notes
    assert 'up, seed 1: torn: nobody saw how' in notes


def test_synthetic_data():
    """Published numbers stand there, and nothing is held against them."""
    mine = results(mini=True)
    assert table(mine)['base']['published'].text == '41.4'
    assert any('synthetic data' in note for note in content_of(mine).notes)


def test_other_machines():
    mine = results()
    mine.runs[0].machine = 'H100'
    assert (
        'Trained on A100; H100: times and memory are not to be compared.' in content_of(mine).notes
    )


def test_markdown():
    text = FORMATS['md'](content_of(results()))
    lines = text.splitlines()
    assert lines[0].startswith('| model | params (M) |')
    assert '| **44.1 (44.0 to 44.2)** |' in lines[3]
    assert '- Published for `base`: https://a.b/c_d#e%20f' in lines


def test_csv():
    rows = list(csv.DictReader(io.StringIO(FORMATS['csv'](content_of(results())))))
    up = next(row for row in rows if row['model'] == 'up')
    assert float(up['mean']) == pytest.approx(44.1)
    assert (up['lowest'], up['highest'], up['seeds'], up['verdict']) == (
        '44',
        '44.2',
        '2',
        'differs',
    )
    assert 0 < float(up['p']) < 0.05
    base = rows[0]
    assert (base['published'], base['verdict_on_published']) == ('41.4', 'within noise')
    assert base['source'] == 'https://a.b/c_d#e%20f'


def test_latex():
    text = FORMATS['latex'](content_of(results()))
    for rule in ('toprule', 'midrule', 'bottomrule'):
        assert text.count(f'\\{rule}') == 1
    opened = re.findall(r'\\begin\{(\S+?)\}', text)
    assert sorted(opened) == sorted(re.findall(r'\\end\{(\S+?)\}', text))
    bare = re.sub(r'\\url\{[^}]*\}|^%.*', '', text, flags=re.MULTILINE)
    assert bare.replace(r'\{', '').replace(r'\}', '').count('{') == bare.count('}')
    assert not re.search(r'(?<!\\)[#$%_^~]', bare)
    columns = re.search(r'\\begin\{tabular\}\{(\w+)\}', text)[1]
    rows = [line for line in text.splitlines() if line.endswith(r'\\')]
    assert len(rows) == 1 + len(ROWS)
    assert {line.count(' & ') + 1 for line in rows} == {len(columns)}
    assert r'\textbf{44.' in text and r'my\_study' in text
    assert text.isascii()


def test_escape():
    assert escape('a_b & 5% {x} #1 $ ^ ~ \\ < > †é') == (
        r'a\_b \& 5\% \{x\} \#1 \$ \textasciicircum{} \textasciitilde{} \textbackslash{} '
        r'\textless{} \textgreater{} \dag{}?'
    )


@pytest.mark.skipif(not (shutil.which('pdflatex') or shutil.which('tectonic')), reason='no LaTeX')
def test_latex_compiles(tmp_path):
    (tmp_path / 'table.tex').write_text(FORMATS['latex'](content_of(results())))
    (tmp_path / 'paper.tex').write_text(
        '\\documentclass{article}\n\\usepackage{booktabs,url}\n\\begin{document}\n'
        '\\input{table}\n\\end{document}\n'
    )
    command = ['pdflatex', '-halt-on-error'] if shutil.which('pdflatex') else ['tectonic']
    done = subprocess.run([*command, 'paper.tex'], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / 'paper.pdf').is_file()


def test_html():
    mine = results(study='a < b & "c"')
    text = FORMATS['html'](content_of(mine))
    open_tags = []

    class Balanced(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ('meta',):
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Balanced().feed(text)
    assert open_tags == []
    assert 'a &lt; b &amp; &quot;c&quot;' in text and '<td><b>44.' in text
    assert text.count('<tr>') == 1 + len(ROWS)


def test_command(tmp_path, command):
    write_results(results(), tmp_path / 'all.json')
    assert command('experiment', 'table', 'all.json').out.startswith('| model |')
    result = command('experiment', 'table', 'all.json', '--format', 'latex', '-o', 'a/table.tex')
    assert result.out == 'wrote a/table.tex\n'
    assert r'\toprule' in (tmp_path / 'a' / 'table.tex').read_text()
    refusal = command('experiment', 'table', 'all.json', '--also', 'runs').refusal
    assert '--also needs STUDY.yml' in refusal
    assert 'no file none.json' in command('experiment', 'table', 'none.json').refusal

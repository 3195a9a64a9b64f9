"""``experiment check``: what would end a run is told before it begins."""

import pytest

from hybrid_backbones.experiment import check as checking
from hybrid_backbones.experiment import estimate as estimating
from hybrid_backbones.experiment.check import check
from hybrid_backbones.experiment.estimate import Estimate, estimate, read_estimates
from hybrid_backbones.experiment.runs import runs_of
from hybrid_backbones.experiment.study import Entry, Study, complete, write_study
from tests.tools.commands import share_mini

FPN = 'semanticfpn_uniformer_xxs_80k_ade20k'
GIB = 2**30


@pytest.fixture
def mini(tmp_path, monkeypatch):
    pytest.importorskip('mmseg')
    monkeypatch.chdir(tmp_path)
    share_mini(tmp_path, ['--mini'])

    def mini(*entries, **options):
        rows = list(entries) or [Entry(FPN)]
        return complete(Study(rows, mini=True, out='out', **options), 'small')

    return mini


def test_nothing_wrong(mini):
    checked = check(mini(seeds=[0, 1]), steps=0)
    assert checked.problems == []
    assert (checked.runs, checked.left, checked.hours) == (2, 2, None)
    found = checked.estimates[FPN]
    assert found.steps == 300 and found.memory is None  # of --mini
    # two checkpoints of weights, and AdamW's two averages; half of a GiB and less
    assert 0.1 < found.disk / GIB < 0.6


def test_hours(mini, monkeypatch):
    """Of the runs that are left: every step of each."""
    monkeypatch.setattr(estimating, 'measure_steps', lambda *_: 12.0)
    study = mini(seeds=[0, 1, 2])
    checked = check(study, steps=3)
    assert checked.estimates[FPN].hours == 1.0 and checked.hours == 3.0
    runs_of(study)[0].folder.mkdir(parents=True)
    (runs_of(study)[0].folder / 'run.json').write_text('{"status": "done"}')
    assert check(study, steps=3).hours == 2.0


def test_measured_once(mini, monkeypatch):
    measured = []
    monkeypatch.setattr(estimating, 'measure_steps', lambda *_: measured.append(1) or 1.0)
    study = mini()
    for fresh in (False, False, True):
        check(study, steps=3, fresh=fresh)
    assert len(measured) == 2
    assert read_estimates(study)[FPN].seconds == 1.0


@pytest.mark.parametrize(
    'options, part',
    [
        ({'default_hooks.checkpoint.save_best': 'mIoV'}, "save_best is 'mIoV'"),
        ({'load_from': 'gone.pth'}, 'no weights gone.pth: save them there'),
        ({'load_from': 'https://drive.google.com/x'}, 'is a page: open it in a browser'),
        ({'load_from': 'https://example.org/x.pth'}, None),
    ],
)
def test_problems_of_a_row(mini, options, part):
    problems = check(mini(options=options), steps=0).problems
    assert (len(problems) == 1 and part in problems[0]) if part else problems == []


def test_no_data(mini):
    study = mini()
    study.mini = False
    checked = check(study, steps=0)
    # of the data and of the weights, not of the first alone
    assert len(checked.problems) == 2 and 'no weights pretrained/' in checked.problems[1]
    assert (
        checked.problems[0].startswith(f'{FPN}: ') and 'not found: the data' in checked.problems[0]
    )
    assert checked.estimates[FPN].memory > GIB  # which needs no data


def test_no_published_file(mini):
    study = mini(Entry(FPN, checkpoint='published'), Entry(FPN, 'b', checkpoint='gone.pth'))
    problems = check(study, steps=0).problems
    assert len(problems) == 2
    assert 'open https' in problems[0] or 'no checkpoint file' in problems[0]
    assert 'no checkpoint file gone.pth' in problems[1]


def test_disk_and_card(mini, monkeypatch):
    study = mini(seeds=[0, 1])
    found = {FPN: Estimate(1.0, 10, memory=20 * GIB, disk=30 * GIB)}
    usage = type('Usage', (), dict(free=59 * GIB))
    monkeypatch.setattr(checking.shutil, 'disk_usage', lambda _: usage)
    (problem,) = checking._room(study, runs_of(study), found)
    assert 'the checkpoints take 60 GiB' in problem and 'has 59 GiB' in problem
    assert list(checking._room(study, runs_of(study)[:1], found)) == []
    card = type('Card', (), dict(total_memory=24 * GIB))
    monkeypatch.setattr(checking.torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(checking.torch.cuda, 'device_count', lambda: 1)
    monkeypatch.setattr(checking.torch.cuda, 'get_device_properties', lambda _: card)
    (problem,) = checking._cards(study, found)
    assert 'a step keeps 20.0 GiB, and the card has 24.0 GiB' in problem
    study.jobs = 2
    assert 'torch sees 1' in next(iter(checking._cards(study, {})))


def test_a_launcher_that_is_not_here(mini, monkeypatch):
    monkeypatch.setattr(checking.shutil, 'which', lambda program: None)
    problems = check(mini(launcher='slurm'), steps=0).problems
    assert problems[0] == 'launcher slurm needs sbatch, which is not on PATH here'


def test_measured_steps(mini):
    """A training, ended after a few steps; nothing of it stays."""
    study = mini(options={'randomness.deterministic': False})
    found = estimate(study, runs_of(study)[0], steps=1)
    assert found.note == '' and 0.01 < found.seconds < 60
    assert found.machine
    assert list((runs_of(study)[0].folder.parents[1]).iterdir()) == []


def test_steps_that_cannot_be_measured(mini):
    study = mini(options={'train_dataloader.batch_size': 1, 'model.decode_head.num_classes': 0})
    found = estimate(study, runs_of(study)[0], steps=1)
    assert found.seconds is None and found.note.startswith('not measured: ')


def test_command(mini, command, tmp_path):
    study = mini(options={'load_from': 'gone.pth'})
    write_study(study, tmp_path / 'small.yml')
    result = command('experiment', 'check', 'small.yml', '--steps', '0')
    assert result.status == 1
    assert f'problem: {FPN}: no weights gone.pth' in result.out
    assert result.out.endswith('1 problems\n')
    assert 'note: one seed: no difference can be told from noise' in result.out

"""Running a study whose trainings are a script that does as it is told."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hybrid_backbones.errors import ConfigError, Stopped
from hybrid_backbones.experiment import job
from hybrid_backbones.experiment.run import run_study, select
from hybrid_backbones.experiment.runs import runs_of
from hybrid_backbones.experiment.state import is_locked, lock, read_state
from hybrid_backbones.experiment.study import Entry
from tests.experiment.drawn import small_study
from tests.tools.commands import PROJECT, environment

FAKE = Path(__file__).parent / 'fake.py'


def fake_command(study, words):
    """As little as the script needs: stage, folder and options."""
    folder = Path(words[words.index('--work-dir') + 1])
    _, _, options = ' '.join(words).partition(' --cfg-options ')
    folder = folder.parent if words[0] == 'test' else folder
    return [sys.executable, str(FAKE), words[0], str(folder), *options.split()]


@pytest.fixture
def study(tmp_path, monkeypatch):
    """``study(plan)``: what the trainings of each row do, one start after the other."""
    monkeypatch.setattr(job, 'command_of', fake_command)
    monkeypatch.setattr('hybrid_backbones.experiment.run.POLL', 0.05)

    def study(plan=None, **options):
        (tmp_path / 'plan.json').write_text(json.dumps(plan or {}))
        return small_study(tmp_path, **options)

    return study


def starts(run):
    return json.loads((run.folder.parent / f'{run.folder.name}.json').read_text())


def test_all_is_done_once(study):
    mine = study(seeds=[0, 1], jobs=2)
    states = run_study(mine)
    assert {name: state.status for name, state in states.items()} == {
        f'{row}/seed_{seed}': 'done' for row in 'ab' for seed in (0, 1)
    }
    for run in runs_of(mine):
        assert starts(run) == [
            ['train', f'randomness.seed={run.seed}'],
            ['test', f'randomness.seed={run.seed}'],
        ]
    run_study(mine)
    assert all(len(starts(run)) == 2 for run in runs_of(mine))
    state = read_state(runs_of(mine)[0].folder)
    assert [each.stage for each in state.attempts] == ['train', 'test']
    assert state.about['versions']['torch'] and state.about['machine']


def test_a_failed_run_is_told_and_tried_again(study):
    mine = study({'a': dict(train=['refused', 'fine']), 'b': dict(train=['killed', 'fine'])})
    states = run_study(mine)
    kinds = {name: (state.status, state.last.kind) for name, state in states.items()}
    assert kinds == {'a/seed_0': ('failed', 'refused'), 'b/seed_0': ('failed', 'killed')}
    assert states['a/seed_0'].last.reason == 'a wrong setting'
    assert {state.status for state in run_study(mine).values()} == {'done'}


def test_a_failed_test_does_not_train_again(study):
    mine = study({'a': dict(test=['refused', 'fine'])}, names=['a'])
    assert run_study(mine)['a/seed_0'].status == 'failed'
    assert run_study(mine)['a/seed_0'].status == 'done'
    assert [start[0] for start in starts(runs_of(mine)[0])] == ['train', 'test', 'test']


def test_half_the_batch(study):
    mine = study({'a': dict(train=['memory', 'fine'])}, names=['a'], halve_batch=True)
    (run,) = runs_of(mine)
    run.folder.mkdir(parents=True)
    (run.folder / 'iter_5.pth').write_text('of the whole batch')
    state = run_study(mine)['a/seed_0']
    assert (state.status, state.halved) == ('done', True)
    assert [attempt.kind for attempt in state.attempts] == ['out of memory', 'done', 'done']
    halved = ['train_dataloader.batch_size=2', 'optim_wrapper.optimizer.lr=0.0005']
    assert starts(run)[1] == ['train', 'randomness.seed=0', *halved]
    # not gone on from, and not lost
    assert not (run.folder / 'iter_5.pth').exists()
    assert (run.folder / 'whole_batch' / 'iter_5.pth').read_text() == 'of the whole batch'


@pytest.mark.parametrize('allowed, starts_of_it', [(True, 2), (False, 1)])
def test_out_of_memory_for_good(study, allowed, starts_of_it):
    """Halved once, and if that is allowed."""
    mine = study({'a': dict(train=['memory'])}, names=['a'], halve_batch=allowed)
    state = run_study(mine)['a/seed_0']
    assert (state.status, state.last.kind) == ('failed', 'out of memory')
    assert len(starts(runs_of(mine)[0])) == starts_of_it


def test_a_batch_that_cannot_be_halved(study):
    mine = study({'a': dict(train=['memory'])}, names=['a'], halve_batch=True, batch=1)
    state = run_study(mine)['a/seed_0']
    assert 'a batch of 1 on each device cannot be halved' in state.last.reason


def test_tested_only(study, tmp_path):
    mine = study(names=['a'])
    for name, file in (('here', tmp_path / 'c.pth'), ('gone', tmp_path / 'none.pth')):
        mine.configs.append(Entry(str(tmp_path / 'a.py'), name, checkpoint=str(file)))
    (tmp_path / 'c.pth').write_text('weights')
    states = run_study(mine, '*/published')
    assert states['here/published'].status == 'done'
    # printf weights | sha256sum
    digest = '9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c'
    (weights,) = states['here/published'].about['weights']
    assert weights == dict(file=str(tmp_path / 'c.pth'), sha256=digest)
    assert 'no checkpoint file' in states['gone/published'].last.reason
    assert [start[0] for start in starts(select(mine, 'here/published')[0])] == ['test']


def test_stopped_and_gone_on(study, tmp_path):
    """The trainings save; what waits is not started."""
    mine = study({'a': dict(train=['long', 'fine'])}, seeds=[0, 1])

    def stop():
        while not (tmp_path / 'waiting').exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop).start()
    with pytest.raises(Stopped) as error:
        run_study(mine)
    assert error.value.signum == signal.SIGTERM
    states = [read_state(run.folder) for run in runs_of(mine)]
    assert [state.status for state in states] == ['stopped', 'waiting', 'waiting', 'waiting']
    assert states[0].last.reason == 'by SIGTERM after iteration 5; saved x'
    (tmp_path / 'go').write_text('')
    assert {state.status for state in run_study(mine).values()} == {'done'}


KILLED = """
import sys
from pathlib import Path
from hybrid_backbones.experiment import job
from hybrid_backbones.experiment.run import run_study
from tests.experiment.drawn import small_study
from tests.experiment.test_run import fake_command
job.command_of = fake_command
run_study(small_study(Path(sys.argv[1]), names=['a']))
"""


def test_killed_command(study, tmp_path):
    """Its training goes on, is waited for, and is not started twice."""
    mine = study({'a': dict(train=['long', 'fine'])}, names=['a'])
    (run,) = runs_of(mine)
    command = [sys.executable, '-c', KILLED, str(tmp_path)]
    process = subprocess.Popen(command, env=environment(), cwd=PROJECT)
    while not (tmp_path / 'waiting').exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert is_locked(run.folder) and read_state(run.folder).status == 'running'

    def end(runs, changed):
        (tmp_path / 'go').write_text('')

    assert run_study(mine, report=end)['a/seed_0'].status == 'done'
    assert [start[0] for start in starts(run)] == ['train', 'train', 'test']


def test_other_versions_are_noted(study):
    mine = study({'a': dict(test=['refused', 'fine'])}, names=['a'])
    (run,) = runs_of(mine)
    run_study(mine)
    file = run.folder / 'run.json'
    content = json.loads(file.read_text())
    content['about']['versions']['torch'] = '0.4'
    file.write_text(json.dumps(content))
    about = run_study(mine)['a/seed_0'].about
    assert [each['torch'] for each in about['earlier_versions']] == ['0.4']
    assert about['versions']['torch'] != '0.4'


def test_a_torn_run_goes_on(study):
    mine = study(names=['a'])
    (run,) = runs_of(mine)
    run.folder.mkdir(parents=True)
    (run.folder / 'run.json').write_text('{"status": "running", "stage": "test"}')
    (run.folder / 'last_checkpoint').write_text('x.pth')
    assert read_state(run.folder).status == 'torn'
    run_study(mine)
    assert [start[0] for start in starts(run)] == ['test']


def test_another_command_has_it(study):
    """It is waited for, and its place is taken."""
    mine = study(jobs=1)
    held = lock(runs_of(mine)[0].folder)
    seen = []

    def report(runs, changed):
        seen.append([read_state(run.folder).status for run in runs])
        if len(seen) == 5:
            held.close()

    run_study(mine, report=report)
    assert all(states == ['waiting', 'waiting'] for states in seen[:5])
    assert seen[-1] == ['done', 'done']


def test_only(study):
    mine = study(seeds=[0, 1])
    assert list(run_study(mine, 'b/*')) == ['b/seed_0', 'b/seed_1']
    with pytest.raises(ConfigError, match='no run is called so; names are such as a/seed_0'):
        select(mine, 'c')


def test_a_config_that_cannot_be_read(study, tmp_path):
    """Before anything is started."""
    mine = study()
    (tmp_path / 'b.py').write_text('1 / 0')
    with pytest.raises(ConfigError, match=r'b: .*ZeroDivisionError'):
        run_study(mine)
    assert not any(run.folder.exists() for run in runs_of(mine))


@pytest.mark.parametrize('variable, first, second', [('0,1,2,3', '0', '1'), ('5,7', '5', '7')])
def test_each_run_has_its_own_card(study, monkeypatch, variable, first, second):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', variable)
    mine = study(jobs=2)
    for slot, card in enumerate((first, second)):
        run = runs_of(mine)[slot]
        held = lock(run.folder)
        found = job.Job(mine, run, slot, held)._environment()
        held.close()
        assert found['CUDA_VISIBLE_DEVICES'] == card


def test_command(study, command, tmp_path, capsys):
    """A line for each change, the reasons at the end, and the exit status."""
    from hybrid_backbones.experiment.study import write_study

    mine = study({'b': dict(train=['refused', 'fine'])})
    write_study(mine, tmp_path / 'small.yml')
    result = command('experiment', 'run', 'small.yml')
    assert result.status == 1
    assert 'a/seed_0  done' in result.out and '1 of 2 runs are done' in result.out
    assert result.err == f'b/seed_0: refused: a wrong setting; see {mine.out}/b/seed_0/output.log\n'
    assert command('experiment', 'run', 'small.yml').status == 0


def test_dry_run(study, command, tmp_path):
    from hybrid_backbones.experiment.study import write_study

    write_study(study(), tmp_path / 'small.yml')
    result = command('experiment', 'run', 'small.yml', '--dry-run')
    assert result.status == 0
    assert '# a/seed_0: waiting' in result.out
    assert f'-m hybrid_backbones train {tmp_path}/a.py --work-dir' in result.out
    assert '/last_checkpoint) --work-dir' in result.out
    assert not (tmp_path / 'out').exists()

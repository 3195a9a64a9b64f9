"""Slurm: the script of a job array, run by stand-ins of Slurm's programs."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.experiment.launch.slurm import script, submit
from hybrid_backbones.experiment.runs import runs_of
from hybrid_backbones.experiment.state import read_state
from hybrid_backbones.experiment.study import Slurm, write_study
from tests.experiment.drawn import small_study
from tests.tools.commands import environment

FAKE = Path(__file__).parent / 'fake.py'
# notes what it was asked, and does what the stage would
SRUN = """#!/usr/bin/env bash
echo "srun $*" >>"$RECORD"
while [ "$1" != hybrid_backbones ]; do shift; done
stage=$2 folder=
while [ $# -gt 0 ]; do [ "$1" = --work-dir ] && folder=$2; shift; done
[ "$stage" = test ] && folder=$(dirname "$folder")
exec {python} {fake} "$stage" "$folder"
"""
NOTING = """#!/usr/bin/env bash
echo "{name} $*" >>"$RECORD"
{more}
"""


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """The programs on ``PATH``; the file with what they were asked."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    programs = {
        'srun': SRUN.format(python=sys.executable, fake=FAKE),
        'sbatch': NOTING.format(name='sbatch', more='[ -e refuse ] && exit 1; echo "17;cluster"'),
        'squeue': NOTING.format(name='squeue', more='[ -e queued ] && echo 17 R || true'),
        'scontrol': NOTING.format(name='scontrol', more=''),
    }
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv('PATH', f'{folder}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.setenv('RECORD', str(tmp_path / 'record'))
    monkeypatch.chdir(tmp_path)
    return tmp_path / 'record'


def slurm_study(folder, plan=None, **slurm):
    study = small_study(folder, launcher='slurm', gpus=16, slurm=Slurm(**slurm))
    write_study(study, folder / 'small.yml')
    (folder / 'plan.json').write_text(json.dumps(plan or {}))
    return study


def test_script(tmp_path):
    slurm = dict(partition='big', time='24:00:00', at_a_time=4, options=['--account=vision'])
    study = slurm_study(tmp_path, **slurm)
    names = [run.name for run in runs_of(study)]
    text = script(study, 'my study.yml', names, tmp_path)
    flags = [line.split(' ', 1)[1] for line in text.splitlines() if line.startswith('#SBATCH')]
    assert flags == [
        '--job-name=small',
        '--array=0-1%4',
        '--ntasks=16',
        '--ntasks-per-node=8',
        '--gres=gpu:8',
        '--cpus-per-task=5',
        '--requeue',
        '--open-mode=append',
        '--signal=USR1@120',
        f'--output={study.out}/slurm-%a.log',
        '--partition=big',
        '--time=24:00:00',
        '--account=vision',
    ]
    assert subprocess.run(['bash', '-n', '-c', text]).returncode == 0
    assert "'my study.yml' --in-job" in text


def run_task(folder, index):
    """As Slurm would run a task of the array."""
    variables = dict(SLURM_ARRAY_TASK_ID=str(index), SLURM_ARRAY_JOB_ID='17')
    script = str(folder / 'out' / 'slurm.sh')
    env = {**environment(), **variables}
    return subprocess.run(['bash', script], env=env, capture_output=True, text=True)


def test_a_task_of_the_array(cluster, tmp_path, command):
    """The command submits; a task trains and tests its run, and no other."""
    study = slurm_study(tmp_path)
    result = command('experiment', 'run', 'small.yml')
    assert result.status == 0, result.err
    assert 'submitted job 17: 2 runs' in result.out
    assert cluster.read_text() == f'sbatch --parsable {study.out}/slurm.sh\n'
    done = run_task(tmp_path, 1)
    assert done.returncode == 0, done.stderr
    assert [read_state(run.folder).status for run in runs_of(study)] == ['waiting', 'done']
    asked = [line for line in cluster.read_text().splitlines() if line.startswith('srun')]
    assert len(asked) == 2
    for line, stage in zip(asked, ('train', 'test')):
        assert '--ntasks=16 --kill-on-bad-exit=1' in line
        assert f' -m hybrid_backbones {stage} {tmp_path}/b.py' in line
        assert '--launcher slurm' in line
    # what is left is submitted, and then nothing
    assert '1 runs' in command('experiment', 'run', 'small.yml').out
    assert run_task(tmp_path, 0).returncode == 0
    assert 'all 2 runs are done' in command('experiment', 'run', 'small.yml').out


def test_queued_again(cluster, tmp_path):
    """A training that was told to save, as before its limit of time; not one that failed."""
    study = slurm_study(tmp_path, {'a': dict(train=['told']), 'b': dict(train=['refused'])})
    submit(study, 'small.yml', [run.name for run in runs_of(study)])
    assert run_task(tmp_path, 0).returncode == 138
    assert 'scontrol requeue 17_0' in cluster.read_text()
    assert run_task(tmp_path, 1).returncode == 1
    assert 'scontrol requeue 17_1' not in cluster.read_text()
    first = read_state(runs_of(study)[0].folder)
    assert (first.status, first.last.reason) == ('stopped', 'by SIGUSR1 after iteration 5; saved x')


def test_not_submitted_twice(cluster, tmp_path, command):
    slurm_study(tmp_path)
    assert command('experiment', 'run', 'small.yml').status == 0
    (tmp_path / 'queued').write_text('')
    refusal = command('experiment', 'run', 'small.yml').refusal
    assert 'job 17 of this study is still queued or running' in refusal


def test_refused(cluster, tmp_path, command):
    slurm_study(tmp_path)
    (tmp_path / 'refuse').write_text('')
    assert 'sbatch refuses' in command('experiment', 'run', 'small.yml').refusal


def test_without_slurm(tmp_path, command, monkeypatch):
    study = slurm_study(tmp_path)
    monkeypatch.setenv('PATH', '')
    with pytest.raises(ConfigError, match='needs sbatch'):
        submit(study, 'small.yml', ['a/seed_0'])
    dry = command('experiment', 'run', 'small.yml', '--dry-run')
    assert dry.status == 0 and '#SBATCH --array=0-1\n' in dry.out
    assert not (tmp_path / 'out').exists()

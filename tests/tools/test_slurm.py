"""tools/slurm_*.sh: what they ask of Slurm, shown by an ``srun`` that only writes it down."""

import os
import sys

import pytest

from tests.tools.commands import MASK_RCNN, PROJECT, run

SRUN = """#!/usr/bin/env bash
printf '%s\\n' "$@" >"$RECORD"
"""
# what the words before the flags are, beside the script and the program it starts
SCRIPTS = [
    ('slurm_train.sh', 'train.py', ['part', 'my job', MASK_RCNN]),
    ('slurm_test.sh', 'test.py', ['part', 'my job', MASK_RCNN, 'work/epoch 1.pth']),
]
VARIABLES = ('GPUS', 'GPUS_PER_NODE', 'CPUS_PER_TASK', 'SRUN_ARGS')


@pytest.fixture
def record(tmp_path):
    """Run a script; the words that ``srun`` was given."""
    srun = tmp_path / 'bin' / 'srun'
    srun.parent.mkdir()
    srun.write_text(SRUN)
    srun.chmod(0o755)
    path = os.pathsep.join([str(srun.parent), os.environ['PATH']])

    def call(script, *words, **variables):
        settings = {'PATH': path, 'RECORD': tmp_path / 'words', **variables}
        unset = [word for name in VARIABLES for word in ('-u', name)]
        command = ['env', *unset, *(f'{key}={value}' for key, value in settings.items())]
        result = run(tmp_path, *command, PROJECT / 'tools' / script, *words)
        assert result.returncode == 0, result.stderr
        return (tmp_path / 'words').read_text().splitlines()

    return call


@pytest.mark.parametrize('script, program, words', SCRIPTS)
def test_defaults(record, script, program, words):
    assert record(script, *words, '--mini', '--work-dir', 'a folder') == [
        '--partition=part',
        '--job-name=my job',
        '--gres=gpu:8',
        '--ntasks=8',
        '--ntasks-per-node=8',
        '--cpus-per-task=5',
        '--kill-on-bad-exit=1',
        *('python', '-u', str(PROJECT / 'tools' / program)),
        *(str(word) for word in words[2:]),
        *('--launcher', 'slurm', '--mini', '--work-dir', 'a folder'),
    ]


@pytest.mark.parametrize('script, program, words', SCRIPTS)
def test_settings(record, script, program, words):
    asked = record(script, *words, GPUS=2, CPUS_PER_TASK=3, SRUN_ARGS='--time=8:00:00 --exclusive')
    for word in ('--gres=gpu:2', '--ntasks=2', '--ntasks-per-node=2', '--cpus-per-task=3'):
        assert word in asked
    assert asked[asked.index('python') - 2 :][:2] == ['--time=8:00:00', '--exclusive']
    asked = record(script, *words, GPUS=8, GPUS_PER_NODE=4)
    for word in ('--gres=gpu:4', '--ntasks=8', '--ntasks-per-node=4'):
        assert word in asked


@pytest.mark.parametrize('script, program, words', SCRIPTS)
def test_too_few_words(tmp_path, script, program, words):
    result = run(tmp_path, PROJECT / 'tools' / script, *words[:-1])
    assert result.returncode == 2
    assert result.stdout == ''
    (line,) = result.stderr.splitlines()
    assert line.startswith('usage: ')
    assert 'PARTITION JOB_NAME CONFIG' in line
    assert f'tools/{program}' in line


@pytest.mark.parametrize('script, program, words', SCRIPTS)
def test_the_program_takes_these_flags(tmp_path, record, script, program, words):
    """The words after ``python``, run without Slurm: the tool looks for the config."""
    words = [*words[:2], 'no_such.py', *words[3:]]
    asked = record(script, *words, '--mini')
    result = run(tmp_path, sys.executable, *asked[asked.index('python') + 1 :])
    assert result.returncode == 2
    assert 'no config file no_such.py' in result.stderr

"""A job array of Slurm: a script for sbatch, one task of the array for each run."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, Sequence

from ...errors import ConfigError
from ...utils.files import write_text
from ..study import Study

NAME = 'slurm'
WARNING = 120  # seconds before the limit of time that a training is told to save
FILE, JOB = (
    'slurm.sh',
    'slurm_job',
)  # in the study's folder: the script, and the newest job's number


def command(arguments: List[str], study: Study) -> List[str]:
    """The command that runs ``hybrid-backbones`` as a step of the job: a task for each GPU."""
    srun = ['srun', f'--ntasks={study.gpus}', '--kill-on-bad-exit=1']
    return [*srun, sys.executable, '-u', '-m', 'hybrid_backbones', *arguments]


def script(study: Study, path: str, names: Sequence[str], folder: Path) -> str:
    """What ``sbatch`` takes.

    Every task of the array is one run; inside, the same ``experiment run`` keeps its state. Before
    the limit of time Slurm tells the training to save, and the task is queued again.

    Args:
        study: What is run.
        path: Of its file.
        names: The runs, in the order of the array.
        folder: Where the command was given: paths in the study are relative to it.
    """
    slurm = study.slurm
    on_each = min(study.gpus, slurm.gpus_per_node)
    limit = f'%{slurm.at_a_time}' if slurm.at_a_time else ''
    flags = [
        f'--job-name={study.name}',
        f'--array=0-{len(names) - 1}{limit}',
        f'--ntasks={study.gpus}',
        f'--ntasks-per-node={on_each}',
        f'--gres=gpu:{on_each}',
        f'--cpus-per-task={slurm.cpus_per_task}',
        '--requeue',
        '--open-mode=append',
        f'--signal=USR1@{WARNING}',
        f'--output={study.out}/slurm-%a.log',
        *([f'--partition={slurm.partition}'] if slurm.partition else []),
        *([f'--time={slurm.time}'] if slurm.time else []),
        *slurm.options,
    ]
    run = [sys.executable, '-m', 'hybrid_backbones', 'experiment', 'run', path]
    lines = [
        '#!/usr/bin/env bash',
        *(f'#SBATCH {flag}' for flag in flags),
        f'cd {shlex.quote(str(folder))}',
        'runs=(',
        *(f'    {shlex.quote(name)}' for name in names),
        ')',
        # the flag that keeps the task from being submitted once more
        f'{shlex.join(run)} --in-job --only "${{runs[$SLURM_ARRAY_TASK_ID]}}"',
        'status=$?',
        'if [ "$status" -gt 128 ]; then  # it was told to save, and has',
        '    scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"',
        'fi',
        'exit "$status"',
    ]
    return '\n'.join(lines) + '\n'


def submit(study: Study, path: str, names: Sequence[str]) -> str:
    """Write the script into the study's folder and hand it to Slurm.

    Args:
        study: What is run.
        path: Of its file.
        names: The runs that are not done.

    Returns:
        The job's number.

    Raises:
        ConfigError: There is no sbatch, it refuses, or an earlier job of the study is not over.
        OutputError: The study's folder cannot be written to.
    """
    if shutil.which('sbatch') is None:
        raise ConfigError('launcher slurm needs sbatch, which is not on PATH here')
    out = Path(study.out)
    number = out / JOB
    if number.is_file() and _is_queued(number.read_text(encoding='utf-8').strip()):
        earlier = number.read_text(encoding='utf-8').strip()
        raise ConfigError(
            f'job {earlier} of this study is still queued or running: wait for it, or scancel '
            f'{earlier}'
        )
    write_text(out / FILE, script(study, path, names, Path.cwd()))
    done = subprocess.run(['sbatch', '--parsable', str(out / FILE)], capture_output=True, text=True)
    if done.returncode != 0:
        raise ConfigError(f'sbatch refuses {out / FILE}: {" ".join(done.stderr.split())}')
    job = done.stdout.strip().partition(';')[0]  # the cluster's name may follow
    write_text(number, job + '\n')
    return job


def _is_queued(job: str) -> bool:
    if shutil.which('squeue') is None:
        return False
    done = subprocess.run(['squeue', '--noheader', '--jobs', job], capture_output=True, text=True)
    return done.returncode == 0 and bool(done.stdout.strip())

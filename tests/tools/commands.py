"""The command-line tools, run as a user runs them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Optional

PROJECT = Path(__file__).parents[2]
MASK_RCNN = PROJECT / 'configs' / 'maskrcnn_uniformer_xxs_1x.py'

# two iterations and an evaluation of four images
SHORT = (
    'train_cfg.max_epochs=1',
    'train_cfg.val_interval=1',
    'train_dataloader.dataset.indices=8',
    'val_dataloader.dataset.indices=4',
    'test_dataloader.dataset.indices=4',
)


# the synthetic datasets of this run of the tests: drawn once, for all folders (set by conftest.py)
MINI: Optional[Path] = None


def share_mini(folder, arguments) -> None:
    """Let ``--mini`` find what another test has drawn already."""
    data = Path(folder) / 'data'
    if MINI and '--mini' in arguments and not data.exists():
        data.mkdir()
        (data / 'mini').symlink_to(MINI)


def environment() -> dict:
    return {**os.environ, 'OMP_WAIT_POLICY': 'PASSIVE', 'PYTHONPATH': str(PROJECT)}


def run(cwd, *command, timeout=300):
    """Run a command in ``cwd``, where its data and results go."""
    share_mini(cwd, command)
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def start(cwd, *command, **options):
    """The same in the background."""
    share_mini(cwd, command)
    streams = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    parts = [str(part) for part in command]
    return subprocess.Popen(parts, cwd=cwd, env=environment(), **{**streams, **options})


def tool(cwd, name, *arguments, **options):
    """Run ``tools/<name>.py``."""
    return run(cwd, sys.executable, PROJECT / 'tools' / f'{name}.py', *arguments, **options)


def complaint(result) -> str:
    """The one line of a refusal."""
    assert result.returncode == 2, result.stdout + result.stderr
    assert 'Traceback' not in result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr
    return result.stderr

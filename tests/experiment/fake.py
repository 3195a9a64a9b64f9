"""Stands for ``hybrid-backbones train`` and ``test``: does what ``plan.json`` in its folder says.

Arguments: stage, folder of the run, options. Every start is noted in ``starts.json``.
"""

import json
import signal
import sys
import time
from pathlib import Path

OOM = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1 GiB'


def main(stage, folder, *options):
    folder = Path(folder)
    notes = folder.parent / f'{folder.name}.json'
    starts = json.loads(notes.read_text()) if notes.is_file() else []
    notes.write_text(json.dumps([*starts, [stage, *options]]))
    plan = json.loads((folder.parents[2] / 'plan.json').read_text()).get(folder.parent.name, {})
    attempt = sum(start[0] == stage for start in starts)
    what = (plan.get(stage) or ['fine'])[min(attempt, len(plan.get(stage) or ['fine']) - 1)]
    if what == 'memory':
        sys.exit(f'Traceback\n{OOM}')
    if what == 'killed':
        signal.raise_signal(signal.SIGKILL)
    if what == 'refused':
        print('hybrid-backbones train: a wrong setting', file=sys.stderr)
        sys.exit(2)
    if what == 'told':
        print('hybrid-backbones train: stopped by SIGUSR1 after iteration 5; saved x', flush=True)
        sys.exit(138)
    if what == 'long':
        wait(folder)
    if stage == 'train':
        (folder / 'last_checkpoint').write_text(str(folder / 'iter_20.pth'))


def wait(folder):
    """Until it is told to save."""

    def save(*_):
        print('hybrid-backbones train: stopped by SIGTERM after iteration 5; saved x', flush=True)
        sys.exit(143)

    signal.signal(signal.SIGTERM, save)
    (folder.parents[2] / 'waiting').write_text('')
    until = time.time() + 60
    while time.time() < until and not (folder.parents[2] / 'go').exists():
        time.sleep(0.05)


if __name__ == '__main__':
    main(*sys.argv[1:])

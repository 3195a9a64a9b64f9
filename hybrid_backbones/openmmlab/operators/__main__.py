"""Run a script with the operators in place, or say which serve.

python -m hybrid_backbones.openmmlab.operators tools/train.py CONFIG --amp
python -m hybrid_backbones.openmmlab.operators
"""

import os
import sys
from importlib.util import find_spec
from types import ModuleType

from . import served_by


def main() -> None:
    """Run ``sys.argv[1]`` as Python itself would; without one, print a table."""
    if len(sys.argv) < 2:
        for name, who in served_by().items():
            print(f'{name:<24} {who}')
        return
    del sys.argv[0]
    if not os.path.isfile(sys.argv[0]):
        raise SystemExit(f'no script {sys.argv[0]}')
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    _run(sys.argv[0])


def _run(script: str) -> None:
    """Run a script as ``__main__``, and this module first in every process that it spawns."""
    main_module = ModuleType('__main__')
    main_module.__file__ = script
    main_module.__spec__ = find_spec(__package__)  # what multiprocessing imports in the new process
    sys.modules['__main__'] = main_module
    with open(script, 'rb') as file:
        exec(compile(file.read(), script, 'exec'), main_module.__dict__)


if __name__ == '__main__':
    main()

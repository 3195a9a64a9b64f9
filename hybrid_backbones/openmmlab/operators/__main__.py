"""Run a script with the operators in place, or say which serve.

python -m hybrid_backbones.openmmlab.operators tools/train.py CONFIG --amp
python -m hybrid_backbones.openmmlab.operators
"""

import os
import runpy
import sys

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
    runpy.run_path(sys.argv[0], run_name='__main__')


if __name__ == '__main__':
    main()

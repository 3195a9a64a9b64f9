"""The order of rooms that pyproject.toml has: `make lint` names the rule that an import breaks."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
LINTER = shutil.which('lint-imports', path=str(Path(sys.executable).parent))

pytestmark = pytest.mark.skipif(LINTER is None, reason='needs import-linter')


def lint(root):
    """Exit status and output for the package and rules below ``root``."""
    command = [LINTER, '--no-cache']
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    return done.returncode, ' '.join(done.stdout.split())


@pytest.fixture(scope='module')
def copy(tmp_path_factory):
    root = tmp_path_factory.mktemp('rooms')
    ignored = shutil.ignore_patterns('__pycache__', '.mim')
    shutil.copytree(PROJECT / 'hybrid_backbones', root / 'hybrid_backbones', ignore=ignored)
    shutil.copy(PROJECT / 'pyproject.toml', root)
    return root


def test_the_rules_hold():
    status, said = lint(PROJECT)
    assert status == 0, said


@pytest.mark.parametrize(
    'file, line, rule',
    [
        ('layers/mlp.py', 'from ..backbones import base', 'only from rooms below it'),
        (
            'config/load.py',
            'def late():\n    from ..engine import train',
            'only from rooms below it',
        ),
        (
            'analysis/describe/text.py',
            'from ..benchmark import timing',
            'The rooms of analysis/ do not import one another',
        ),
        ('backbones/cvt.py', 'import mmdet', 'need torch and mmengine only'),
    ],
    ids=['upward', 'in a function', 'analysis', 'library'],
)
def test_a_wrong_import_is_named(copy, file, line, rule):
    path = copy / 'hybrid_backbones' / file
    right = path.read_text()
    path.write_text(f'{right}\n\n{line}\n')
    try:
        status, said = lint(copy)
    finally:
        path.write_text(right)
    assert status == 1
    assert f'{rule} BROKEN' in said or rule in said.partition('Broken contracts')[2]

"""Puts configs and tools into built packages; pyproject.toml has everything else."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PROJECT = Path(__file__).parent


TOOLS = ('*.py', '*.sh')


class BuildWithConfigs(build_py):
    """Copies configs and tools to ``hybrid_backbones/.mim``, where mmengine and mim look for them.

    An editable install has no copy: there the package reads the checkout's own.
    """

    def run(self):
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, 'hybrid_backbones', '.mim')
        shutil.rmtree(target, ignore_errors=True)  # a build folder may hold an older one
        ignored = shutil.ignore_patterns('__pycache__')
        shutil.copytree(PROJECT / 'configs', target / 'configs', ignore=ignored)
        shutil.copy(PROJECT / 'model-index.yml', target)
        (target / 'tools').mkdir()
        for pattern in TOOLS:
            for tool in (PROJECT / 'tools').glob(pattern):
                shutil.copy(tool, target / 'tools')


setup(cmdclass={'build_py': BuildWithConfigs})

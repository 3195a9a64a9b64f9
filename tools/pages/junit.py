"""Running tests, and what came out, from the report that pytest writes in JUnit's format."""

import ast
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List, NamedTuple, Tuple
from xml.etree import ElementTree

from hybrid_backbones.errors import ConfigError
from tools.pages.marked import PROJECT


class Case(NamedTuple):
    """A test.

    Args:
        module: Dotted.
        name: With its parameters.
        outcome: ``'passed'``, ``'failed'`` or ``'skipped'``.
        reason: Why it was skipped.
    """

    module: str
    name: str
    outcome: str
    reason: str = ''


def run_tests(arguments: List[str], processes: int) -> Tuple[List[Case], int]:
    """The tests that pytest's arguments choose, and its exit status.

    Raises:
        ConfigError: pytest wrote no report.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / 'report.xml'
        command = [sys.executable, '-m', 'pytest', '-q', '-n', str(processes)]
        command += ['--dist', 'worksteal', f'--junitxml={report}', *arguments]
        status = subprocess.run(command, cwd=PROJECT).returncode
        if not report.is_file():
            raise ConfigError('pytest wrote no report: see its output')
        return list(read_report(report)), status


def read_report(report: Path) -> Iterator[Case]:
    """The tests of a report, in its order."""
    for case in ElementTree.parse(report).iter('testcase'):
        children = {child.tag: child for child in case}
        name = case.get('classname', ''), case.get('name', '')
        if children.keys() & {'failure', 'error'}:
            yield Case(*name, 'failed')
        elif 'skipped' in children:
            yield Case(*name, 'skipped', _reason(children['skipped']))
        else:
            yield Case(*name, 'passed')


def _reason(skipped: ElementTree.Element) -> str:
    message = skipped.get('message', '')
    if message != 'collection skipped':
        return message
    # a whole module: the text is that of a tuple of its path, the line and the reason
    return ast.literal_eval(skipped.text or '')[2].removeprefix('Skipped: ')

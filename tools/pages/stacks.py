"""Run the tests on one stack of versions, and write its row of docs/stacks.md.

.stacks/L/bin/python -m tools.pages.stacks L: in the environment of the stack, as `make stack` does.
"""

import json
import re
import subprocess
import sys
from argparse import Namespace
from collections import Counter
from datetime import date
from typing import Any, Dict, List

from hybrid_backbones.cli.arguments import Parser, run
from hybrid_backbones.utils.files import write_json
from hybrid_backbones.utils.text import markdown_table
from hybrid_backbones.utils.versions import installed_version, versions
from tools.pages.junit import Case, run_tests
from tools.pages.marked import DOCS, PROJECT, write_parts

PAGE = DOCS / 'stacks.md'
# what was measured, by stack; the page's table is written from it
RECORD = DOCS / 'stacks.json'
STACKS = {
    'U': 'compiled mmcv',
    'P': 'without a compiler: `make env`',
    'N': 'the newest',
    'L': "torch 2.1, for which OpenMMLab publishes mmcv's wheels",
    'O': 'the maintained line',
    'R': "mmengine's pre-release",
    'core-old': 'the package alone, oldest',
    'core-new': 'the package alone, newest',
}
# Where a version can make a difference. Configs, pages and drawn data do not depend on it.
ROOMS = (
    'backbones',
    'layers',
    'classifiers',
    'weights',
    'deploy',
    'openmmlab',
    'engine',
    'inference',
    'data_check',
    'experiment',
    'dropin',
    'analysis',
    'cli',
    'tools',
    'stack',
)
OUTCOMES = ('passed', 'failed', 'skipped')


def main(args: Namespace) -> None:
    # all tests of the stack itself, and of the others what `make test` runs
    chosen = ['-m', 'stack or not (extended or slow)', *(f'tests/{room}' for room in ROOMS)]
    cases, _ = run_tests(chosen, args.processes)
    row = summarise(cases)
    rows = json.loads(RECORD.read_text(encoding='utf-8')) if RECORD.is_file() else {}
    rows[args.stack] = dict(
        date=str(date.today()), commit=commit(), versions=found_versions(), **row
    )
    write_json(RECORD, rows)
    write_parts(PAGE, dict(stacks=table(rows), failures=failures(rows)))
    if row['failed']:
        sys.exit(1)


def summarise(cases: List[Case]) -> Dict[str, Any]:
    """Counts, tests that failed, and reasons for what was skipped."""
    outcomes = Counter(case.outcome for case in cases)
    reasons = Counter(_short(case.reason) for case in cases if case.outcome == 'skipped')
    failed = sorted(_name(case) for case in cases if case.outcome == 'failed')
    counts = {outcome: outcomes[outcome] for outcome in OUTCOMES}
    return dict(**counts, failures=failed, reasons=dict(reasons.most_common()))


def _name(case: Case) -> str:
    return f'{case.module.removeprefix("tests.")}::{case.name}'


def _short(reason: str) -> str:
    """A reason without what differs from one test to the next."""
    missing = re.search(r"could not import '([\w.]+)'", reason)
    return f'needs {missing[1].partition(".")[0]}' if missing else reason


def commit() -> str:
    """The commit whose tests were run, with a ``+`` if files differ from it; empty without git."""
    command = ['git', 'describe', '--always', '--dirty=+', '--exclude=*']
    described = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    return described.stdout.strip()


def found_versions() -> Dict[str, str]:
    """Of Python and of the libraries, under whatever name they are distributed."""
    found = versions()
    beside = {name: installed_version(name) for name in ('torchvision', 'numpy')}
    found.update((name, number) for name, number in beside.items() if number)
    del found['hybrid_backbones']
    return found


def table(rows: Dict[str, Dict[str, Any]]) -> str:
    """A row for each stack that has been run."""
    header = ('stack', 'what it is', 'versions', *OUTCOMES, 'date', 'commit', 'why skipped')
    lines = []
    for name, about in STACKS.items():
        if name in rows:
            row = rows[name]
            stack = ', '.join(f'{package} {number}' for package, number in row['versions'].items())
            counts = [row[outcome] for outcome in OUTCOMES]
            why = '; '.join(f'{reason} ({count})' for reason, count in row['reasons'].items())
            when = row['date'], row.get('commit', '')
            lines.append((f'*{name}*', about, stack, *counts, *when, why))
    return markdown_table(header, lines)


def failures(rows: Dict[str, Dict[str, Any]]) -> str:
    """What failed, by stack."""
    failed = {name: rows[name]['failures'] for name in STACKS if name in rows}
    if not any(failed.values()):
        return 'Nothing failed.'
    return '\n'.join(
        f'*{name}*, failed: ' + ', '.join(f'`{test}`' for test in tests) + '.\n'
        for name, tests in failed.items()
        if tests
    )


def parse_args() -> Namespace:
    parser = Parser(description='Run the tests on one stack; write docs/stacks.md')
    parser.add_argument('stack', choices=STACKS)
    parser.add_argument('--processes', type=int, default=2, help='default: 2')
    return parser.parse_args(namespace=Namespace(local_rank=0))


if __name__ == '__main__':
    run(parse_args, main)

"""Run the tests of faults and write their outcome into docs/reliability.md.

python -m tools.pages.faults
"""

import sys
from argparse import Namespace
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

from hybrid_backbones.cli.arguments import Parser, run
from hybrid_backbones.utils.text import markdown_table
from hybrid_backbones.utils.versions import machine, versions
from tools.pages.junit import Case, read_report, run_tests
from tools.pages.marked import DOCS, write_parts

PAGE = DOCS / 'reliability.md'
# what is injected, and where it is tested
TESTS = {
    'Training': ('engine/test_survival.py', 'tools/test_stop_and_resume.py'),
    'Checkpoints': (
        'weights/test_loading.py',
        'weights/test_unpickler.py',
        'openmmlab/test_safe_loading.py',
        'engine/test_published_start.py',
        'cli/test_unsafe_load.py',
    ),
    'Settings': (
        'cli/test_refusals.py',
        'tools/test_refusals.py',
        'config/test_class_order.py',
        'config/test_config.py',
        'openmmlab/test_check_classes.py',
    ),
    'Disks and folders': (
        'cli/test_disks.py',
        'cli/test_names_of_data.py',
        'engine/test_drawings.py',
        'utils/test_files.py',
    ),
    'Data': (
        'data_check/test_check.py',
        'data_check/test_coco.py',
        'engine/test_bad_images.py',
        'openmmlab/test_check_metrics.py',
    ),
    'Images': (
        'inference/test_images.py',
        'inference/test_predict.py',
        'analysis/dataset/test_browse.py',
    ),
    'Published models': ('reproduce/test_reproduce.py',),
}
WORDS = dict(passed='survived', failed='lost', skipped='skipped')
OUTCOMES = tuple(WORDS.values())
Fault = Tuple[str, str, str]  # module, test without parameters, outcome


def main(args: Namespace) -> None:
    tests = [f'tests/{path}' for paths in TESTS.values() for path in paths]
    found, status = run_tests(tests, args.processes)
    cases = [as_fault(case) for case in found]
    write_parts(PAGE, dict(faults=page(cases)))
    if status:
        sys.exit(status)


def read(report: Path) -> Iterator[Fault]:
    """The tests of a JUnit report, as pytest writes it."""
    return map(as_fault, read_report(report))


def as_fault(case: Case) -> Fault:
    """A test without its parameters, and what became of the fault."""
    return case.module.removeprefix('tests.'), case.name.partition('[')[0], WORDS[case.outcome]


def page(cases: List[Fault]) -> str:
    """A table for each part, and what ran it."""
    parts = []
    for title, paths in TESTS.items():
        modules = [path.removesuffix('.py').replace('/', '.') for path in paths]
        counts: Dict[str, Counter] = {}
        for module, test, outcome in cases:
            if module in modules:
                counts.setdefault(test, Counter())[outcome] += 1
        rows = [
            (spoken(test), sum(count.values()), *(count[kind] or '' for kind in OUTCOMES))
            for test, count in counts.items()
        ]
        table = markdown_table((title, 'tried', *OUTCOMES), rows)
        parts.append(f'### {title}\n\n{table}')
    found = Counter(outcome for *_, outcome in cases)
    total = ', '.join(f'{found[kind]} {kind}' for kind in OUTCOMES if found[kind])
    stack = ', '.join(f'{name} {number}' for name, number in versions().items())
    about = f'{len(cases)} tried, {total}; {date.today()}, {machine("cpu")}, {stack}.'
    return '\n'.join([about, '', *parts])


def spoken(test: str) -> str:
    """A test's name as words."""
    return test.removeprefix('test_').replace('_', ' ')


def parse_args() -> Namespace:
    parser = Parser(description='Run the tests of faults; write docs/reliability.md')
    parser.add_argument('--processes', type=int, default=2, help='default: 2')
    return parser.parse_args(namespace=Namespace(local_rank=0))


if __name__ == '__main__':
    run(parse_args, main)

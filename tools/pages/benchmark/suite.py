"""All jobs of all tables, one after the other, and the page."""

import os
import time
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Sequence

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.utils.files import check_folder
from tools.pages.marked import DOCS, read_page, write_parts

from . import backbones, bounds, models, peers, precisions, runtimes
from .jobs import Job, Runner, is_installed, kept, run

PAGE = DOCS / 'benchmark.md'
MACHINE = 'machine'
# each: NAME of its part of the page, jobs(threads), table(results by a job's name)
SECTIONS: Sequence[Any] = (backbones, models, precisions, runtimes, bounds, peers)


def run_suite(
    page: Path = PAGE,
    work_dir: Path = Path('work_dirs/bench'),
    fresh: bool = False,
    threads: Optional[int] = None,
    sections: Sequence[ModuleType] = SECTIONS,
    runner: Runner = run,
) -> None:
    """Measure what is not measured yet, and write the page's tables.

    Args:
        page: Where the tables go.
        work_dir: Where results are kept.
        fresh: Measure everything again.
        threads: Of torch; by default as many as there are cores.
        sections: The tables to measure and to write; the others stay.
        runner: Measures in a process of its own; returns whether it succeeded.

    Raises:
        ConfigError: The page is missing, or some measurements failed.
    """
    read_page(page, (MACHINE, *(section.NAME for section in sections)))
    check_folder(work_dir)
    threads = threads or os.cpu_count() or 1
    results: Dict[str, Any] = {}
    failed: List[str] = []
    start = time.perf_counter()
    tables = {}
    for section in sections:
        found = []
        for job in section.jobs(threads):
            result = _result(job, work_dir / f'{job.name}.json', fresh, runner)
            if result:
                results[job.name] = result
                found.append(result)
            elif is_installed(job):
                failed.append(job.name)
        tables[section.NAME] = f'{section.table(results)}\n{measured_on(found)}'
    minutes = (time.perf_counter() - start) / 60
    if len(sections) == len(SECTIONS):  # a part of them says where it was measured itself
        tables[MACHINE] = measured_with(list(results.values()))
    write_parts(page, tables)
    print(f'written: {page}, after {minutes:.0f} min')
    if failed:
        raise ConfigError(f'failed: {", ".join(failed)} (logs in {work_dir})')


def _result(job: Job, path: Path, fresh: bool, runner: Runner) -> Optional[Dict[str, Any]]:
    """What is kept, or else what is measured now."""
    there = kept(job, path)
    if not is_installed(job):
        print(f'{job.name}: {job.package} is not installed', flush=True)
        return there
    if there and not fresh:
        return there
    start = time.perf_counter()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if not runner(job, path):
        print(f'{job.name}: failed, see {path.with_suffix(".log")}', flush=True)
        return None
    print(f'{job.name}: measured in {time.perf_counter() - start:.0f} s', flush=True)
    return kept(job, path)


def measured_on(results: List[Dict[str, Any]]) -> str:
    """The machines, threads and dates of some results, in a line."""
    if not results:
        return 'Not measured.\n'
    machines = _joined(results, lambda r: r['machine'])
    threads = _joined(results, _threads)
    dates = _joined(results, lambda r: r['date'])
    return f'Measured on {machines} with {threads} threads, {dates}.\n'


def measured_with(results: List[Dict[str, Any]]) -> str:
    """The versions of all results, in a line."""
    versions: Dict[str, str] = {}
    for result in results:
        versions.update(result['versions'])
    return ', '.join(' '.join(each) for each in versions.items()) + '.\n'


def _threads(result: Dict[str, Any]) -> str:
    return str(result['threads'] if 'threads' in result else result['settings']['threads'])


def _joined(results: List[Dict[str, Any]], of: Callable[[Dict[str, Any]], str]) -> str:
    return ' / '.join(sorted({of(result) for result in results}))

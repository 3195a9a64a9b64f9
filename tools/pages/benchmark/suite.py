"""All jobs of all tables, one after the other, and the page."""

import os
import time
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.utils.files import check_folder
from tools.pages.marked import DOCS, read_page, write_parts

from . import backbones, bounds, models, peers, precisions, runtimes
from .jobs import Job, Runner, kept, log_path, missing, result_path, run

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
    minutes: Optional[float] = None,
    runner: Runner = run,
) -> None:
    """Measure what is not measured yet, and write the page's tables.

    What cannot be measured here stays as it was measured elsewhere.

    Args:
        page: Where the tables go.
        work_dir: Where results are kept.
        fresh: Measure everything again.
        threads: Of torch; by default as many as there are cores.
        sections: The tables to measure and to write; the others stay.
        minutes: After which no other process begins; the next run goes on.
        runner: Measures in another process.

    Raises:
        ConfigError: The page is missing, or some measurements failed.
    """
    read_page(page, _parts(sections))
    check_folder(work_dir)
    threads = threads or os.cpu_count() or 1
    jobs = {section.NAME: section.jobs(threads) for section in sections}
    results: Dict[str, Any] = {}
    todo = []
    for job in [job for each in jobs.values() for job in each]:
        there, reason = kept(job, result_path(job, work_dir)), missing(job)
        if reason:
            print(f'{job.name}: {reason}', flush=True)
        if there and (reason or not fresh):
            results[job.name] = there
        elif not reason:
            result_path(job, work_dir).unlink(missing_ok=True)
            todo.append(job)
    start = time.perf_counter()
    left = _measure(todo, results, work_dir, minutes, runner)
    _write(page, sections, jobs, results)
    print(f'written: {page}, after {(time.perf_counter() - start) / 60:.0f} min')
    if left:
        names = ', '.join(job.name for job in left)
        print(f'not measured within {minutes:g} min: {names}; the next run goes on with them')
    failed = [job for job in todo if job.name not in results and job not in left]
    if failed:
        names = ', '.join(job.name for job in failed)
        raise ConfigError(f'failed: {names} (logs in {work_dir})')


def _parts(sections: Sequence[ModuleType]) -> List[str]:
    """Of the page. Versions are said for all tables; some of them say themselves where they were
    measured."""
    names = [section.NAME for section in sections]
    return [MACHINE, *names] if len(sections) == len(SECTIONS) else names


def _measure(
    todo: List[Job],
    results: Dict[str, Any],
    work_dir: Path,
    minutes: Optional[float],
    runner: Runner,
) -> List[Job]:
    """Add results by their jobs' names; what there was no time for."""
    begin = time.perf_counter()
    left: List[Job] = []
    todo = sorted(todo, key=lambda job: job.later)
    for _, each in groupby(todo, key=lambda job: job.place):
        group, start = list(each), time.perf_counter()
        if minutes is not None and start - begin >= 60 * minutes:
            left += group
            continue
        runner(group, work_dir)
        for job in group:
            result = kept(job, result_path(job, work_dir))
            if result:
                results[job.name] = result
            else:
                print(f'{job.name}: failed, see {log_path(job, work_dir)}', flush=True)
        done = ', '.join(job.name for job in group if job.name in results)
        if done:
            print(f'{done}: measured in {time.perf_counter() - start:.0f} s', flush=True)
    return left


def _write(
    page: Path,
    sections: Sequence[ModuleType],
    jobs: Mapping[str, Sequence[Job]],
    results: Mapping[str, Any],
) -> None:
    tables = {}
    for section in sections:
        found = [results[job.name] for job in jobs[section.NAME] if job.name in results]
        if found or not all(map(missing, jobs[section.NAME])):
            tables[section.NAME] = f'{section.table(results)}\n{measured_on(found)}'
    if MACHINE in _parts(sections):
        tables[MACHINE] = measured_with(list(results.values()))
    write_parts(page, tables)


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

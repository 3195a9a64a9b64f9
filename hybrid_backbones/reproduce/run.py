"""Testing all published models that are at hand."""

import json
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence

from ..utils.files import check_folder, sha256_of, write_json, write_text
from ..zoo.model_files import check_hash
from .process import run_alone
from .runs import Run, find_runs
from .tables import csv_table, markdown_table
from .verdict import Row, judge, missing

OUT = 'work_dirs/reproduce'
Track = Callable[[Sequence[Run]], Iterable[Run]]


def reproduce(
    pattern: str = '*',
    *,
    weights_dir: Optional[str] = None,
    data_root: Optional[str] = None,
    mini: bool = False,
    tta: bool = False,
    out: Optional[str] = None,
    track: Track = iter,
) -> List[Row]:
    """Test published models, each in a process of its own.

    Finished tests are kept in ``out`` and not run again while file and data stay the same; failed
    ones are. One that fails does not stop the others. ``out`` also gets all rows as
    ``results.json``, ``results.csv`` and ``results.md``.

    Args:
        pattern: Of configs' names, with the wildcards of file names.
        weights_dir: Where published files have been saved; then ``pretrained`` and torch's cache.
        data_root: Folder that holds the datasets as ``data/`` does for the configs; or, of a
            single dataset, its own folder.
        mini: Test on synthetic data: that files can be loaded, and nothing about their metrics.
        tta: Also with test-time augmentation, where its result is published.
        out: Folder for results and logs; the default is ``work_dirs/reproduce``.
        track: Wraps the sequence of tests, to show progress.

    Returns:
        A row for each test, also for those whose file or data is missing.

    Raises:
        ConfigError: No published file is for such a config, or there is no folder of that name.
        OutputError: The folder cannot be written to.
    """
    runs = find_runs(pattern, weights_dir=weights_dir, data_root=data_root, mini=mini, tta=tta)
    folder = Path(out or OUT)
    ready = [run for run in runs if not run.waits_for]
    check_folder(folder)
    rows = {run.name: missing(run) for run in runs}
    for run in track(ready) if ready else ():
        rows[run.name] = judge(run, _tested(run, mini, folder))
        _write(folder, list(rows.values()))
    _write(folder, list(rows.values()))
    return list(rows.values())


def _tested(run: Run, mini: bool, folder: Path) -> Dict[str, Any]:
    """What was measured, now or earlier; a failure is forgotten by the next call."""
    assert run.checkpoint is not None
    try:
        digest = sha256_of(run.checkpoint)
    except OSError as error:
        return dict(failed=f'{run.checkpoint} cannot be read: {error.strerror}')
    problem = check_hash(run.file, digest)
    if problem:
        return dict(failed=problem)
    data = 'synthetic' if mini else run.data_root or ''
    result = folder / 'tests' / f'{run.name}.json'
    earlier = json.loads(result.read_text(encoding='utf-8')) if result.is_file() else {}
    if (earlier.get('sha256'), earlier.get('data')) == (digest, data):
        return earlier
    result.unlink(missing_ok=True)
    settings = dict(
        config=run.file.config,
        checkpoint=str(run.checkpoint),
        work_dir=str(folder / 'work_dirs' / run.name),
        data_root=run.data_root,
        sha256=digest,
        mini=mini,
        tta=run.tta,
    )
    run_alone(settings, folder / 'logs' / f'{run.name}.log', result)
    return dict(json.loads(result.read_text(encoding='utf-8')))


def _write(folder: Path, rows: List[Row]) -> None:
    write_json(folder / 'results.json', [_entry(row) for row in rows])
    write_text(folder / 'results.csv', csv_table(rows))
    write_text(folder / 'results.md', markdown_table(rows))


def _entry(row: Row) -> Dict[str, Any]:
    return dict(
        config=row.run.file.config,
        file=row.run.file.file,
        url=row.run.file.url,
        tta=row.run.tta,
        published=row.run.published,
        verdict=row.verdict,
        reason=row.reason,
        measured=row.measured or None,
    )

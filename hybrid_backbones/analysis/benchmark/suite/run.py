"""Measuring row by row, for as long as there is time."""

import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Union

import torch

from ....errors import ConfigError, one_line
from ....utils.versions import machine, versions
from ..timing import matmul_rate
from . import one_row
from .one_row import LONGEST
from .out_of_memory import free_memory, is_out_of_memory, largest_batch
from .plan import Plan, Row, check_plan, rows_of
from .precise import without_tf32
from .record import Record

OUT_OF_MEMORY = 'out of memory'
Tell = Callable[[Row, Dict[str, Any], int], None]


def run_suite(
    plan: Plan,
    path: Union[str, Path],
    minutes: float,
    clock: Callable[[], float] = time.monotonic,
    tell: Optional[Tell] = None,
) -> Record:
    """Measure what is not in a file yet, the most telling rows first, and write it after each.

    Rows that failed for another reason than memory are tried again, after all others. A row that
    was begun in time is finished.

    Args:
        plan: The rows.
        path: The file.
        minutes: No row is begun later.
        clock: Tells the time in seconds.
        tell: Called with each row, what came of it, and how many are left.

    Returns:
        All that the file holds now.

    Raises:
        ConfigError: The plan is not possible, the file is of another setup, or the GPU has
            stopped working.
        OutputError: The file cannot be written.
    """
    check_plan(plan)
    end = clock() + 60 * minutes
    record = Record(path, setup_of(plan))
    torch.set_num_threads(plan.threads)
    todo = rows_to_do(plan, record)
    with without_tf32():
        for done, row in enumerate(todo, 1):
            if clock() >= end:
                break
            record.rows[row.key] = _attempt(plan, row, record)
            record.write()
            if tell:
                tell(row, record.rows[row.key], len(todo) - done)
            _check_device(plan, row, record)
    return record


def setup_of(plan: Plan) -> Dict[str, Any]:
    """What all rows of a file have in common."""
    return dict(
        machine=machine(plan.device),
        versions=dict(versions(), CUDA=torch.version.cuda),
        device=plan.device,
        size=list(plan.size),
        batches=list(plan.batches),
        repeats=plan.repeats,
        warmup=plan.warmup,
        reference=plan.peers[0] if plan.peers else None,
    )


def rows_to_do(plan: Plan, record: Record) -> List[Row]:
    """Rows that are not there; then those that failed."""
    rows = rows_of(plan)
    missing = [row for row in rows if row.key not in record.rows]
    return missing + [row for row in rows if record.rows.get(row.key, {}).get('failed')]


def _attempt(plan: Plan, row: Row, record: Record) -> Dict[str, Any]:
    """A result, or the reason why there is none."""
    try:
        return _measure(plan, row, record)
    except Exception as error:  # whatever a compiler or a kernel ends in: there are other rows
        if is_out_of_memory(error):
            return dict(reason=OUT_OF_MEMORY)
        text = f'{type(error).__name__}: {one_line(error)}'
        return dict(reason=text[:LONGEST], failed=True)
    finally:
        if 'compiled' in row.mode:
            torch._dynamo.reset()  # what it has compiled holds the weights
        free_memory()


def _measure(plan: Plan, row: Row, record: Record) -> Dict[str, Any]:
    first, batch = plan.batches[0], plan.batches[0]
    if row.largest:
        if row.search not in record.largest:
            eager = Row(row.network, row.what, row.dtype, 'eager', True)
            record.largest[row.search] = largest_batch(plan.settings(eager, first), plan.batches)
        batch = record.largest[row.search]
        if batch is None or batch == first:
            return dict(reason=OUT_OF_MEMORY + (f' with more than {first}' if batch else ''))
    if row.dtype not in record.rates:
        record.rates[row.dtype] = matmul_rate(getattr(torch, row.dtype), plan.device)
    reference = plan.peers[0] if plan.peers else None
    settings = plan.settings(row, batch, None if row.network == reference else reference)
    return one_row.measure_row(settings, record.rates[row.dtype])


def _check_device(plan: Plan, row: Row, record: Record) -> None:
    """After some failures a GPU takes no more work of this process: all else would fail too."""
    if plan.device != 'cuda' or not record.rows[row.key].get('failed'):
        return
    try:
        torch.cuda.synchronize()
    except RuntimeError as error:
        raise ConfigError(
            f'the GPU has stopped working with {row.key} ({one_line(error)[:LONGEST]}); what was '
            f'measured before is in {record.path}, and the same command goes on'
        ) from None

"""The rows that have been tried, as a Markdown table, and what is to be said of them."""

from typing import Any, Dict, List

from ....utils.text import markdown_table
from .plan import Plan, Row, rows_of
from .record import Record

NOT_MEASURED = '-'


def suite_table(plan: Plan, record: Record) -> str:
    """A line for each row that was tried: its numbers, or the reason why there are none.

    Peers come first, then the backbones in the plan's order.
    """
    names = (*plan.peers, *plan.networks)
    orders = (plan.whats, plan.dtypes)
    rows = [row for row in rows_of(plan) if row.key in record.rows]
    rows.sort(
        key=lambda row: (
            names.index(row.network),
            *(order.index(value) for order, value in zip(orders, (row.what, row.dtype))),
            row.largest,
            plan.modes.index(row.mode),
        )
    )
    reference = record.setup['reference']
    columns = (
        'network',
        'task',
        'type',
        'images',
        'mode',
        'images/s',
        'GiB',
        'of matrix products',
        *([f'time beside `{reference}`'] if reference else []),
        'why not',
    )
    return markdown_table(columns, [_cells(row, record, plan) for row in rows])


def notes(plan: Plan, record: Record, missing: Dict[str, str]) -> List[str]:
    """Sentences to stand below the table.

    Args:
        plan: Of the table.
        record: What has been measured.
        missing: Networks of other packages that are not here, and why.
    """
    setup = record.setup
    height, width = setup['size']
    packages = ', '.join(f'{name} {number}' for name, number in setup['versions'].items() if number)
    rates = ', '.join(f'{rate / 1e12:.3g} in {dtype}' for dtype, rate in record.rates.items())
    rows = rows_of(plan)
    lines = [
        f'{setup["machine"]}; {packages}.',
        f'Images of {height}x{width}, random weights; float32 without TF32; median of '
        f'{setup["repeats"]} calls after {setup["warmup"]}.',
    ]
    if rates:
        lines.append(f'Matrix products, TFLOP/s: {rates}.')
    if not setup['reference']:
        lines.append('There is no other network to compare with here.')
    lines += [f'Not here: {name}: {reason}.' for name, reason in missing.items()]
    left = sum(row.key not in record.rows for row in rows)
    if left:
        lines.append(
            f'{left} of {len(rows)} rows are not measured yet: time was up. The same command goes '
            'on.'
        )
    return lines


def is_complete(plan: Plan, record: Record) -> bool:
    """Whether every row has a result, or does not fit into memory."""
    rows = [record.rows.get(row.key) for row in rows_of(plan)]
    return all(row is not None and not row.get('failed') for row in rows)


def _cells(row: Row, record: Record, plan: Plan) -> List[str]:
    result = record.rows[row.key]
    reason = result.get('reason')
    names = [f'`{row.network}`', row.what, row.dtype]
    if reason:
        images = 'largest' if row.largest else str(plan.batches[0])
        columns = 4 if record.setup['reference'] else 3
        return [*names, images, row.mode, *[NOT_MEASURED] * columns, reason]
    whys = [result['no_reference']]
    if result['memory_gib'] is None:
        whys.append('memory is measured on a GPU alone')
    ratio = [_ratio(result)] if record.setup['reference'] else []
    images = str(result['settings']['batch'])
    return [*names, images, row.mode, *_numbers(result), *ratio, '; '.join(filter(None, whys))]


def _numbers(result: Dict[str, Any]) -> List[str]:
    memory = result['memory_gib']
    return [
        f'{result["images_per_second"]:.4g}',
        f'{memory["peak"]:.2f}' if memory else NOT_MEASURED,
        f'{result["share"]:.0%}',
    ]


def _ratio(result: Dict[str, Any]) -> str:
    against = result['against']
    return f'{against["ratio"]:.2f} x' if against else NOT_MEASURED

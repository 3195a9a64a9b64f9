"""Export every architecture in every way, and write the table of docs/export.md.

A run that was stopped continues: python -m tools.pages.export [--only BACKBONE ...]
"""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

import gc
import json
import tempfile
import time
from argparse import Namespace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Collection, Dict, List, Optional, Sequence

import torch

from hybrid_backbones import create_backbone, list_backbones
from hybrid_backbones.cli.arguments import Parser, run
from hybrid_backbones.deploy.exporting.export import quiet, write_checked
from hybrid_backbones.deploy.exporting.formats import DEFAULT_OPSET, FORMATS, OPSETS, check_packages
from hybrid_backbones.deploy.exporting.trace import Backbone, trace
from hybrid_backbones.deploy.exporting.verify import draw_constants
from hybrid_backbones.deploy.folding.fold import fold
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.utils.files import write_json
from hybrid_backbones.utils.text import markdown_table
from tools.pages.marked import DOCS, read_page, write_parts

PAGE = DOCS / 'export.md'
PART = 'archs'
# column: format, and whether folded
WAYS = {
    'ONNX': ('onnx', False),
    'ONNX, folded': ('onnx', True),
    'torch.export': ('torch', False),
}
VERSIONS = ('torch', 'onnx', 'onnxscript', 'onnxruntime')

Results = Dict[str, Dict[str, Any]]


def write_table(
    page: Path = PAGE,
    only: Collection[str] = (),
    work_dir: Path = Path('work_dirs/export'),
    opset: int = DEFAULT_OPSET,
) -> None:
    """Export what is not exported yet, and write the table into a page.

    Args:
        page: Where the table goes.
        only: Export only these, by name; all if empty.
        work_dir: Where results are kept: a run that was stopped continues.
        opset: Version of ONNX's operators.

    Raises:
        ConfigError: There is no such page or arch, or the page has no place for the table.
    """
    read_page(page, (PART,))
    names = list_backbones()
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise ConfigError(f'no arch {unknown[0]!r}; choose from {", ".join(names)}')
    check_packages('onnx')
    for name in only or names:
        for ways in (('ONNX', 'torch.export'), ('ONNX, folded',)):  # those of one trace
            _export_once(name, ways, work_dir, opset)
    results = {name: found for name in names if (found := _read(work_dir, name))}
    write_parts(page, {PART: table(results)})
    print(f'written: {page}')


def _path(folder: Path, name: str, way: str) -> Path:
    return folder / f'{name}-{way.replace(", ", "-")}.json'


def _read(folder: Path, name: str) -> Dict[str, Any]:
    """What is there of one arch, by way."""
    paths = {way: _path(folder, name, way) for way in WAYS}
    return {
        way: json.loads(path.read_text(encoding='utf-8'))
        for way, path in paths.items()
        if path.is_file()
    }


def _export_once(name: str, ways: Sequence[str], folder: Path, opset: int) -> None:
    """Trace one arch and write it in these ways; keep the results, or why there are none."""
    missing = [way for way in ways if not _path(folder, name, way).is_file()]
    if not missing:
        return
    backbone = _build(name, folded=WAYS[missing[0]][1])
    start = time.perf_counter()
    program, failure = None, None
    with quiet():
        try:
            program = trace(backbone)
        except Exception as error:  # torch's own, of many kinds: the table says which
            failure = _reason(error)
        for way in missing:
            result = dict(error=failure) if failure else _write(program, backbone, way, opset)
            result.update(opset=opset, date=date.today().isoformat(), versions=_versions())
            result['seconds'] = time.perf_counter() - start
            write_json(str(_path(folder, name, way)), result)
            said = result.get('error') or f'{result["relative"]:.1e}'
            print(f'{name}, {way}: {said}; {result["seconds"]:.0f} s', flush=True)
    del program
    gc.collect()


def _build(name: str, folded: bool) -> Backbone:
    torch.manual_seed(0)
    backbone = draw_constants(create_backbone(name).eval())
    return fold(backbone) if folded else backbone


def _write(
    program: torch.export.ExportedProgram, backbone: Backbone, way: str, opset: int
) -> Dict[str, Any]:
    format, _ = WAYS[way]
    with tempfile.TemporaryDirectory(prefix='export-') as folder:
        path = Path(folder, f'backbone{FORMATS[format].suffix}')
        try:
            done = write_checked(program, backbone, path, format, None, opset)
        except Exception as error:
            return dict(error=_reason(error))
    return dict(
        megabytes=done.megabytes,
        absolute=max(d.absolute for d in done.differences),
        relative=max(d.relative for d in done.differences),
    )


def _reason(error: Exception) -> str:
    words = ' '.join(str(error).split())
    return f'{type(error).__name__}: {words[:120]}'


def _versions() -> str:
    return ', '.join(f'{package} {version(package).split("+")[0]}' for package in VERSIONS)


def table(results: Results) -> str:
    """Counts, then one line for each arch that was exported."""
    total = len(list_backbones())
    counts = [f'{way}: {_count(results, way)} of {total} archs' for way in WAYS]
    done = [found for row in results.values() for found in row.values()]
    opsets = '/'.join(sorted({str(found['opset']) for found in done})) or 'none'
    used = ' / '.join(sorted({found['versions'] for found in done})) or 'nothing was run'
    dates = [found['date'] for found in done]
    when = f', {min(dates)} to {max(dates)}' if dates else ''
    left = [name for name in list_backbones() if len(results.get(name, {})) < len(WAYS)]
    lines = [
        f'Written, read again and equal at three sizes: {"; ".join(counts)}. '
        f'Opset {opsets}; {used}{when}.'
    ]
    if left:
        lines.append(f'Not all run: {", ".join(f"`{name}`" for name in left)}.')
    columns = [column for way in WAYS for column in (way, 'MB')]
    rows = [
        [f'`{name}`', *(cell for way in WAYS for cell in _cells(row.get(way)))]
        for name, row in results.items()
    ]
    return '\n'.join([*lines, '', markdown_table(['arch', *columns], rows)])


def _count(results: Results, way: str) -> int:
    return sum(way in row and 'error' not in row[way] for row in results.values())


def _cells(found: Optional[Dict[str, Any]]) -> List[str]:
    if found is None:
        return ['not run', '']
    if 'error' in found:
        return [f'**fails**: {found["error"]}', '']
    return [f'{found["relative"]:.1e}', f'{found["megabytes"]:.1f}']


def parse_args() -> Namespace:
    parser = Parser(description='Export every architecture, and write docs/export.md')
    parser.add_argument('--only', nargs='+', default=(), metavar='BACKBONE')
    parser.add_argument('--page', type=Path, default=PAGE, help='the page with the table')
    parser.add_argument('--work-dir', type=Path, default='work_dirs/export', help='for results')
    parser.add_argument('--opset', type=int, choices=OPSETS, default=DEFAULT_OPSET, metavar='N')
    return parser.parse_args(namespace=Namespace(local_rank=0))


def main(args: Namespace) -> None:
    write_table(args.page, args.only, args.work_dir, args.opset)


if __name__ == '__main__':
    run(parse_args, main)

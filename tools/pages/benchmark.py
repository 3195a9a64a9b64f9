"""Measure every family's speed beside the published code's, and write docs/benchmark.md.

The published numbers are ratios to MMDetection's ResNet-50, so that they hold on other machines.
A run that was stopped continues: python -m tools.pages.benchmark [--fresh]
"""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

import json
import math
import subprocess
import sys
import time
from argparse import Namespace
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from hybrid_backbones.analysis.benchmark.peak_memory import environment
from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.cli.arguments import Parser, positive, run
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.utils.files import check_folder
from hybrid_backbones.utils.text import markdown_table
from tools.pages.marked import DOCS, read_page, write_parts

PAGE = DOCS / 'benchmark.md'
PUBLISHED = Path(__file__).with_name('reference_speed.json')
REFERENCE = 'resnet50'
REPEATS = 3
WARMUP = 3  # virtual machines get their memory when it is first used: early calls take longer
Runner = Callable[[Settings, Path], bool]


@dataclass(frozen=True)
class Row:
    """A variant of the published measurements, and how ours is best run for inference.

    Args:
        variant: As the published files name it.
        network: Ours.
        options: Its arguments.
        attention: What tells two rows of one variant apart, as the published measurements do.
        mode: Of inference on a CPU.
        memory_format: Of inference on a CPU.
    """

    variant: str
    network: str
    options: Dict[str, Any] = field(default_factory=dict)
    attention: Optional[str] = None
    mode: str = 'folded'
    memory_format: str = 'contiguous'

    @property
    def key(self) -> str:
        """As the published memory is listed."""
        return f'{self.variant}:{self.attention}' if self.attention else self.variant

    def settings(self, what: str, threads: int) -> Settings:
        """Of inference or of a training step, as the published code was measured."""
        common = dict(
            network=self.network,
            options=self.options,
            what=what,
            threads=threads,
            against=REFERENCE,
            repeats=REPEATS,
            warmup=WARMUP,
        )
        if what == 'training':
            return Settings(**common, size=(512, 512), batch=2, memory=False)
        best = dict(mode=self.mode, memory_format=self.memory_format)
        return Settings(**common, **best, size=(800, 1280))


def _uniformer(arch: str, attention: str) -> Row:
    options = dict(stage3_attention=attention, window_size=14)
    return Row(f'uniformer_{arch}', f'uniformer_{arch}', options, attention)


# mode and format: the fastest that was found, timed in turns on a CPU, of folded and folded and
# compiled, contiguous and channels_last; where they are as good as equal, plainly folded
ROWS = (
    _uniformer('small', 'hybrid'),
    _uniformer('small', 'global'),
    _uniformer('base', 'hybrid'),
    Row('hrformer_small', 'hrformer_small', attention='seg'),
    Row('hrformer_base', 'hrformer_base', attention='seg'),
    Row('transxnet_t', 'transxnet_t'),
    Row('transxnet_s', 'transxnet_s'),
    Row('conformer_small_patch32', 'conformer_small_patch32', memory_format='channels_last'),
    Row('conformer_tiny_patch16', 'conformer_tiny_patch16'),
    # the published network ends with the third stage
    Row('cvt_13', 'cvt_13', dict(out_indices=(0, 1, 2))),
)
WHATS = ('inference', 'training')


@dataclass(frozen=True)
class Peer:
    """Ours beside another implementation of the same network, both eager and contiguous.

    Args:
        network: Ours.
        against: Theirs.
        options: Arguments of ours.
    """

    network: str
    against: str
    options: Dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of its file of results."""
        return 'peer-' + self.against.replace(':', '-').lower()

    def settings(self, threads: int) -> Settings:
        """Of inference, at the size of the table."""
        return Settings(
            self.network,
            self.options,
            size=(800, 1280),
            threads=threads,
            against=self.against,
            repeats=REPEATS,
            warmup=WARMUP,
            memory=False,
        )


PEERS = (
    Peer('hrformer_small', 'mmpose:HRFormer-small', dict(fuse_upsample='bilinear')),
    Peer('conformer_small_patch32', 'mmpretrain:conformer-small-p32'),
    Peer('cvt_13', 'transformers:cvt-13', dict(out_indices=(0, 1, 2))),
)


@dataclass(frozen=True)
class Published:
    """The published code's measurements.

    Args:
        ratios: By key and ``'inference'`` or ``'training'``: time over ResNet-50's.
        memory: By key: resident GiB ``'before'`` and at the ``'peak'`` of one inference.
    """

    ratios: Dict[Tuple[str, str], float]
    memory: Dict[str, Dict[str, float]]


def read_published(path: Path) -> Published:
    """Read the file of the published code's measurements.

    Raises:
        ConfigError: There is no such file.
    """
    if not path.is_file():
        raise ConfigError(f'no file {path}: it has the times of the published code')
    content = json.loads(path.read_text(encoding='utf-8'))
    ratios = {}
    for row in content['rows']:
        key = f'{row["variant"]}:{row["mode"]}' if row['mode'] else row['variant']
        ratios[key, 'inference'] = row['inference_ratio']
        ratios[key, 'training'] = row['training_step_ratio']
    return Published(ratios, content['peak_rss_gib']['rows'])


def run_suite(
    page: Path = PAGE,
    work_dir: Path = Path('work_dirs/bench'),
    fresh: bool = False,
    threads: Optional[int] = None,
    published: Path = PUBLISHED,
    runner: Optional[Runner] = None,
) -> None:
    """Measure all rows that are not measured yet, and write the page's tables.

    Args:
        page: Where the tables go.
        work_dir: Where results are kept.
        fresh: Measure all rows again.
        threads: Of torch; by default as many as there are cores.
        published: The file of the published measurements.
        runner: Measures in a process of its own; returns whether it succeeded.

    Raises:
        ConfigError: The page or the published measurements are missing, or some of ours failed.
    """
    read_page(page, ('machine', 'suite', 'peers'))
    check_folder(work_dir)
    reference = read_published(published)
    threads = threads or os.cpu_count() or 1
    runner = runner or _run
    results, failed = {}, []
    for row in ROWS:
        for what in WHATS:
            name = f'{row.key.replace(":", "-")}-{what}'
            settings = row.settings(what, threads)
            path = work_dir / f'{name}.json'
            start = time.perf_counter()
            if not _measure_once(settings, path, fresh, runner):
                failed.append(name)
                print(f'{name}: failed, see {path.with_suffix(".log")}', flush=True)
                continue
            results[row.key, what] = result = json.loads(path.read_text(encoding='utf-8'))
            theirs = reference.ratios[row.key, what]
            print(f'{name}: {_progress(result, theirs, start)}', flush=True)
    peers = _measure_peers(work_dir, threads, fresh, runner)
    parts = dict(
        machine=measured_on(list(results.values())),
        suite=suite_table(results, reference),
        peers=peers_table(peers),
    )
    write_parts(page, parts)
    print(f'written: {page}')
    if failed:
        raise ConfigError(f'failed: {", ".join(failed)} (logs in {work_dir})')


def _measure_peers(work_dir: Path, threads: int, fresh: bool, runner: Runner) -> Dict[str, Any]:
    """Results by a peer's name, of those peers that are installed."""
    results = {}
    for peer in PEERS:
        path = work_dir / f'{peer.name}.json'
        settings = peer.settings(threads)
        if find_spec(peer.against.partition(':')[0]) is None:
            if not _is_measured(settings, path):
                print(f'{peer.name}: not installed', flush=True)
                continue
        elif not _measure_once(settings, path, fresh, runner):
            print(f'{peer.name}: failed, see {path.with_suffix(".log")}', flush=True)
            continue
        results[peer.name] = json.loads(path.read_text(encoding='utf-8'))
        print(f'{peer.name}: {results[peer.name]["against"]["ratio"]:.2f}', flush=True)
    return results


def _is_measured(settings: Settings, path: Path) -> bool:
    """Whether the file has just that."""
    wanted = json.loads(json.dumps(asdict(settings)))
    return path.is_file() and json.loads(path.read_text(encoding='utf-8'))['settings'] == wanted


def _measure_once(settings: Settings, path: Path, fresh: bool, runner: Runner) -> bool:
    """Measure unless it is measured; whether there is a result."""
    if not fresh and _is_measured(settings, path):
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return runner(settings, path)


def _run(settings: Settings, path: Path) -> bool:
    command = [sys.executable, '-m', 'hybrid_backbones.analysis.benchmark.measure']
    with open(path.with_suffix('.log'), 'w', encoding='utf-8') as log:
        done = subprocess.run(
            [*command, json.dumps(asdict(settings)), str(path)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(settings.threads),
        )
    return done.returncode == 0 and path.is_file()


def _progress(result: dict, published: float, start: float) -> str:
    ratio = result['against']['ratio']
    return (
        f'{ratio:.2f} x {REFERENCE}, published code {published:.2f}; '
        f'{result["seconds"]["median"]:.1f} s a call; {time.perf_counter() - start:.0f} s in all'
    )


COLUMNS = (
    'variant',
    'mode',
    'format',
    'inference',
    'published',
    'quotient',
    'training',
    'published',
    'quotient',
    'GiB',
    'published',
    'share',
)
Results = Dict[Tuple[str, str], Dict[str, Any]]


PEER_COLUMNS = ('ours', 'theirs', 'ours, seconds', 'theirs, seconds', 'ours / theirs', 'versions')


def measured_on(results: List[Dict[str, Any]]) -> str:
    """The machines, threads, versions and dates of some results, in a line."""
    machines = _joined(results, lambda r: r['machine'])
    threads = _joined(results, lambda r: str(r['settings']['threads']))
    versions = _joined(results, lambda r: ', '.join(' '.join(v) for v in r['versions'].items()))
    dates = _joined(results, lambda r: r['date'])
    return f'{machines}; {threads} threads; {versions}; {dates}.\n'


def suite_table(results: Results, published: Published) -> str:
    """The speed of all rows.

    Args:
        results: What :func:`measure` returned, by row and ``'inference'`` or ``'training'``; those
            that are missing leave a dash.
        published: What to compare with.
    """
    means = {what: _mean_quotient(results, published, what) for what in WHATS}
    last = [''] * len(COLUMNS)
    last[0], last[5], last[8] = 'geometric mean', *(means[what] for what in WHATS)
    return markdown_table(COLUMNS, [*(_line(row, results, published) for row in ROWS), last])


def peers_table(peers: Dict[str, Any]) -> str:
    """The speed beside other implementations.

    Args:
        peers: What :func:`measure` returned, by the names of ``PEERS``.
    """
    rows = []
    for peer in PEERS:
        result = peers.get(peer.name)
        cells = ['-'] * 4
        if result:
            against = result['against']
            cells = [
                f'{result["seconds"]["median"]:.2f}',
                f'{against["seconds"]["median"]:.2f}',
                f'{against["ratio"]:.2f}',
                ', '.join(' '.join(v) for v in result['versions'].items()),
            ]
        rows.append([f'`{peer.network}`', f'`{peer.against}`', *cells])
    return markdown_table(PEER_COLUMNS, rows)


def _line(row: Row, results: Results, published: Published) -> List[str]:
    inference = results.get((row.key, 'inference'))
    ratios = [_ratio_columns(row, what, results, published) for what in WHATS]
    return [
        f'`{row.variant}`' + (f' {row.attention}' if row.attention else ''),
        row.mode,
        row.memory_format,
        *ratios[0],
        *ratios[1],
        _memory(inference['memory_gib'] if inference else None),
        _memory(published.memory.get(row.key)),
        f'{inference["share"]:.0%}' if inference else '-',
    ]


def _ratio_columns(row: Row, what: str, results: Results, published: Published) -> List[str]:
    theirs = published.ratios[row.key, what]
    if (row.key, what) not in results:
        return ['-', f'{theirs:.2f}', '-']
    ours = results[row.key, what]['against']['ratio']
    return [f'{ours:.2f}', f'{theirs:.2f}', f'{ours / theirs:.2f}']


def _mean_quotient(results: Results, published: Published, what: str) -> str:
    logs = [
        math.log(result['against']['ratio'] / published.ratios[key])
        for key, result in results.items()
        if key[1] == what
    ]
    return f'{math.exp(sum(logs) / len(logs)):.2f}' if logs else '-'


def _memory(gib: Optional[Dict[str, float]]) -> str:
    return f'{gib["before"]:.2f} -> {gib["peak"]:.2f}' if gib else '-'


def _joined(results: List[dict], of: Callable[[dict], str]) -> str:
    return ' / '.join(sorted({of(result) for result in results})) or 'nothing measured'


def parse_args() -> Namespace:
    parser = Parser(description="Measure every family's speed, and write docs/benchmark.md")
    parser.add_argument('--fresh', action='store_true', help='measure again what is measured')
    parser.add_argument('--threads', type=positive, help="torch's threads; default: all cores")
    parser.add_argument('--page', type=Path, default=PAGE, help='the page with the tables')
    parser.add_argument('--work-dir', type=Path, default='work_dirs/bench', help='for results')
    return parser.parse_args(namespace=Namespace(local_rank=0))


def main(args: Namespace) -> None:
    run_suite(args.page, args.work_dir, args.fresh, args.threads)


if __name__ == '__main__':
    run(parse_args, main)

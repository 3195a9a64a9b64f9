"""ONNX Runtime and OpenVINO beside folded torch, in the units of the first table."""

from dataclasses import replace
from statistics import geometric_mean
from typing import Any, Dict, List, Mapping, Optional

from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.utils.text import markdown_table

from .backbones import INFERENCE, REFERENCE, ROWS, Row
from .jobs import TURNS, Job
from .published import Published, read_published

NAME = 'runtimes'
GOALS = {  # for the smallest quotient
    'uniformer_small:hybrid': 0.45,
    'uniformer_small:global': 0.33,
    'hrformer_small:seg': 0.35,
    'transxnet_t': 0.17,
    'conformer_tiny_patch16': 0.28,
    'cvt_13': 0.25,
}
GOAL_OF_MEAN = 0.30
# exporting takes half a minute: a small one or two of each family
EXPORTED = tuple(row for row in ROWS if row.key in GOALS)
LATER = ('uniformer_small:global',)  # may wait
TORCH = 'torch'
RUNTIMES = dict(onnxruntime='ONNX Runtime', openvino='OpenVINO')
TITLES = {TORCH: TORCH, **RUNTIMES}
COLUMNS = (
    'variant',
    'published',
    *(column for title in TITLES.values() for column in (title, 'quotient')),
    'smallest quotient',
    'goal',
)


def jobs(threads: int) -> List[Job]:
    """One for each of these rows of the first table."""
    return [job(row, threads) for row in EXPORTED]


def job(row: Row, threads: int) -> Job:
    """ResNet-50 in torch, and the row in torch and in the runtimes, in turns."""
    settings = Settings(**row.inference(threads), memory=False)
    ours = replace(settings, against=None)
    ways = {REFERENCE: settings.of_reference()}
    ways[TORCH] = replace(ours, mode=row.mode, memory_format=row.memory_format)
    for mode in RUNTIMES:
        ways[mode] = replace(ours, mode=mode)
    return Job(f'{row.file}-{NAME}', ways, TURNS, package='openvino', later=row.key in LATER)


def table(results: Mapping[str, Dict[str, Any]], published: Optional[Published] = None) -> str:
    """Times over ResNet-50's, and quotients by the published code's.

    Args:
        results: By a job's name; those that are missing leave a dash.
        published: What to compare with.
    """
    published = published or read_published()
    rows, found = [], []
    for row in EXPORTED:
        theirs = published.ratios[row.key, INFERENCE]
        result = results.get(f'{row.file}-{NAME}')
        cells = ['-'] * (len(COLUMNS) - 3)
        if result:
            ratios = [result['ways'][name]['ratio'] for name in TITLES]
            quotients = [ratio / theirs for ratio in ratios]
            found.append([*quotients, min(quotients)])
            cells = [f'{value:.2f}' for pair in zip(ratios, quotients) for value in pair]
            cells.append(f'{min(quotients):.2f}')
        rows.append([row.title, f'{theirs:.2f}', *cells, f'{GOALS[row.key]:.2f}'])
    return markdown_table(COLUMNS, [*rows, _means(found)])


def _means(quotients: List[List[float]]) -> List[str]:
    """The last line: of each column of quotients."""
    means = [f'{geometric_mean(column):.2f}' for column in zip(*quotients)]
    *each, best = means or ['-'] * (len(TITLES) + 1)
    cells = [cell for mean in each for cell in ('', mean)]
    return ['geometric mean', '', *cells, best, f'{GOAL_OF_MEAN:.2f}']

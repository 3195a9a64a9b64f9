"""ONNX Runtime and OpenVINO, in the units of the first table: torch's ResNet-50."""

from statistics import geometric_mean
from typing import Any, Dict, List, Mapping, Optional

from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.utils.text import markdown_table

from .backbones import INFERENCE, ROWS, Row
from .jobs import Job
from .published import Published, read_published

NAME = 'runtimes'
# exporting takes from half a minute to some minutes: a small one of each family
KEYS = (
    'uniformer_small:hybrid',
    'uniformer_small:global',
    'hrformer_small:seg',
    'transxnet_t',
    'conformer_tiny_patch16',
    'cvt_13',
)
EXPORTED = tuple(row for row in ROWS if row.key in KEYS)
RUNTIMES = dict(onnxruntime='ONNX Runtime', openvino='OpenVINO')
COLUMNS = (
    'variant',
    'published',
    *(column for title in RUNTIMES.values() for column in (title, 'quotient')),
)
Results = Mapping[str, Dict[str, Any]]


def jobs(threads: int) -> List[Job]:
    """One for each of these rows of the first table, and runtime."""
    return [_job(row, runtime, threads) for row in EXPORTED for runtime in RUNTIMES]


def _job(row: Row, runtime: str, threads: int) -> Job:
    settings = Settings(**row.inference(threads), mode=runtime, memory=False)
    return Job(row.job_name(runtime), settings, package=runtime)


def table(results: Results, published: Optional[Published] = None) -> str:
    """Times over ResNet-50's, and quotients by the published code's.

    Args:
        results: By a job's name; those that are missing leave a dash.
        published: What to compare with.
    """
    published = published or read_published()
    rows = []
    quotients: Dict[str, List[float]] = {runtime: [] for runtime in RUNTIMES}
    for row in EXPORTED:
        theirs = published.ratios[row.key, INFERENCE]
        cells = [row.title, f'{theirs:.2f}']
        for runtime in RUNTIMES:
            result = results.get(row.job_name(runtime))
            if result:
                ratio = result['against']['ratio']
                quotients[runtime].append(ratio / theirs)
                cells += [f'{ratio:.2f}', f'{ratio / theirs:.2f}']
            else:
                cells += ['-', '-']
        rows.append(cells)
    last = ['geometric mean', '']
    for values in quotients.values():
        last += ['', f'{geometric_mean(values):.2f}' if values else '-']
    return markdown_table(COLUMNS, [*rows, last])

"""ONNX Runtime and OpenVINO beside torch, a network of each family."""

from typing import Any, Dict, List, Mapping

from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.utils.text import markdown_table

from .jobs import TURNS, Job
from .precisions import REPEATS, SIZE, WARMUP

NAME = 'runtimes'
# exporting takes a good part of a minute for each
NETWORKS = ('uniformer_small', 'hrformer_small', 'transxnet_t', 'cvt_13', 'conformer_tiny_patch16')
RUNTIMES = ('onnxruntime', 'openvino')
TITLES = dict(onnxruntime='ONNX Runtime', openvino='OpenVINO')
COLUMNS = ('network', 'torch, folded', *(TITLES[name] for name in RUNTIMES), 'over torch')


def jobs(threads: int) -> List[Job]:
    """One for each network and runtime, beside torch in turns."""
    return [_job(network, runtime, threads) for network in NETWORKS for runtime in RUNTIMES]


def _job(network: str, runtime: str, threads: int) -> Job:
    common: Dict[str, Any] = dict(
        network=network, size=SIZE, threads=threads, repeats=REPEATS, warmup=WARMUP, memory=False
    )
    ways = {'folded': Settings(**common, mode='folded'), runtime: Settings(**common, mode=runtime)}
    return Job(f'runtimes-{network}-{runtime}', ways, TURNS, package=runtime)


def table(results: Mapping[str, Dict[str, Any]]) -> str:
    """Seconds of each; torch's beside the first runtime that was measured."""
    rows = []
    for network in NETWORKS:
        found = {name: results.get(f'runtimes-{network}-{name}') for name in RUNTIMES}
        torch = next((result for result in found.values() if result), None)
        cells = [f'{torch["ways"]["folded"]["seconds"]:.3f} s' if torch else '-']
        for name, result in found.items():
            cells.append(f'{result["ways"][name]["seconds"]:.3f} s' if result else '-')
        ratios = [
            f'{result["ways"][name]["ratio"]:.2f}' if result else '-'
            for name, result in found.items()
        ]
        rows.append([f'`{network}`', *cells, ', '.join(ratios)])
    return markdown_table(COLUMNS, rows)

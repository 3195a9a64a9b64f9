"""Where the time of each family goes, by kind of operator, and what bounds it."""

from typing import Any, Dict, List, Mapping

from hybrid_backbones.analysis.benchmark import operators
from hybrid_backbones.analysis.benchmark.settings import Settings

from .backbones import WHATS
from .jobs import OPERATORS, Job

NAME = 'bounds'
NETWORKS = ('uniformer_small', 'cvt_13', 'conformer_tiny_patch16', 'hrformer_small', 'transxnet_t')
SIZE = (512, 512)
LEAST = 0.02  # of the time, for a row of its own
TITLES = dict(inference='inference, folded', training='training step, eager')


def jobs(threads: int) -> List[Job]:
    """Two for each network."""
    return [_job(network, what, threads) for network in NETWORKS for what in WHATS]


def _job(network: str, what: str, threads: int) -> Job:
    settings = Settings(
        network,
        size=SIZE,
        batch=2,
        mode='eager' if what == 'training' else 'folded',
        what=what,
        threads=threads,
        repeats=3,
        memory=False,
    )
    return Job(f'operators-{network}-{what}', settings, OPERATORS)


def table(results: Mapping[str, Dict[str, Any]]) -> str:
    """A table for each network and step, with the two roofs above it."""
    parts = []
    for network in NETWORKS:
        for what in WHATS:
            result = results.get(f'operators-{network}-{what}')
            if result:
                parts.append(_part(network, what, result))
    return '\n'.join(parts) or 'Not measured.\n'


def _part(network: str, what: str, result: Dict[str, Any]) -> str:
    giga = operators.GIGA
    height, width = SIZE
    return (
        f'`{network}`, {TITLES[what]}, 2x3x{height}x{width}: {result["seconds"]:.2f} s; matrix '
        f'products {result["matmul"] / giga:.0f} GFLOP/s, copies {result["copy"] / giga:.0f} GB/s.'
        f'\n\n{operators.table(result, LEAST)}'
    )

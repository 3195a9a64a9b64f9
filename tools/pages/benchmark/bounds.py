"""Where the time of each family goes, by kind of operator, and what bounds it."""

from typing import Any, Dict, List, Mapping

from hybrid_backbones.analysis.benchmark import operators
from hybrid_backbones.analysis.benchmark.settings import Settings

from .backbones import LIMIT, REPEATS, WHATS
from .jobs import OPERATORS, Job

NAME = 'bounds'
NETWORKS = ('uniformer_small', 'cvt_13', 'conformer_tiny_patch16', 'hrformer_small', 'transxnet_t')
# those whose share of the rate is to be raised; the others may wait
FIRST = ('hrformer_small', 'transxnet_t')
SIZE = (512, 512)
LEAST = 0.02  # of the time, for a row of its own


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
        repeats=REPEATS,
        limit=LIMIT,
        memory=False,
    )
    name = f'operators-{network}-{what}'
    later = network not in FIRST
    return Job(name, settings, OPERATORS, process=f'operators-{network}', later=later)


def table(results: Mapping[str, Dict[str, Any]]) -> str:
    """A table for each network and step."""
    names = [f'operators-{network}-{what}' for network in NETWORKS for what in WHATS]
    found = [results[name] for name in names if name in results]
    return operators.operators_table(found, LEAST) or 'Not measured.\n'

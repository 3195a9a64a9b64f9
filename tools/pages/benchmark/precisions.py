"""bfloat16 on a CPU beside float32, a network of each family."""

from typing import Any, Dict, List, Mapping

from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.utils.text import markdown_table

from .jobs import TURNS, Job

NAME = 'precisions'
NETWORKS = (
    'uniformer_small',
    'hrformer_small',
    'transxnet_t',
    'cvt_13',
    'conformer_tiny_patch16',
    'conformer_small_patch32',
)
SIZE = (512, 512)
REPEATS, WARMUP = 5, 2
FLOAT32, BFLOAT16, AUTOCAST = 'float32', 'bfloat16', 'autocast'
COLUMNS = ('network', 'float32', 'bfloat16', 'bfloat16 / float32', '`--amp`', '`--amp` / float32')


def jobs(threads: int) -> List[Job]:
    """One for each network: folded, in the types in turns."""
    found = []
    for network in NETWORKS:
        common: Dict[str, Any] = dict(
            network=network,
            size=SIZE,
            mode='folded',
            threads=threads,
            repeats=REPEATS,
            warmup=WARMUP,
            memory=False,
        )
        ways = {
            FLOAT32: Settings(**common),
            BFLOAT16: Settings(**common, dtype=BFLOAT16),
            AUTOCAST: Settings(**common, amp=True),
        }
        found.append(Job(f'precisions-{network}', ways, TURNS, bfloat16=True))
    return found


def table(results: Mapping[str, Dict[str, Any]]) -> str:
    """Seconds of each, and over float32's."""
    rows = []
    for network in NETWORKS:
        result = results.get(f'precisions-{network}')
        cells = ['-'] * 5
        if result:
            ways = result['ways']
            cells = [f'{ways[FLOAT32]["seconds"]:.3f} s']
            for name in (BFLOAT16, AUTOCAST):
                cells += [f'{ways[name]["seconds"]:.3f} s', f'{ways[name]["ratio"]:.2f}']
        rows.append([f'`{network}`', *cells])
    return markdown_table(COLUMNS, rows)

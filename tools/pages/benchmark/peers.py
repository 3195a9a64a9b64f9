"""Ours beside others' implementations of the same networks, both eager and contiguous."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping

from hybrid_backbones.analysis.benchmark.networks import package_of
from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.utils.text import markdown_table

from .backbones import LIMIT, REPEATS, WARMUP
from .jobs import Job

NAME = 'peers'
COLUMNS = ('ours', 'theirs', 'ours, seconds', 'theirs, seconds', 'ours / theirs', 'their version')


@dataclass(frozen=True)
class Peer:
    """Another implementation.

    Args:
        network: Ours.
        against: Theirs.
        options: Arguments of ours.
    """

    network: str
    against: str
    options: Dict[str, Any] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """Where theirs is from."""
        return package_of(self.against)

    def job(self, threads: int) -> Job:
        """Inference, at the size of the families' table."""
        settings = Settings(
            self.network,
            self.options,
            size=(800, 1280),
            threads=threads,
            against=self.against,
            repeats=REPEATS,
            warmup=WARMUP,
            limit=LIMIT,
            memory=False,
        )
        return Job(self.job_name, settings, package=self.package, later=True)

    @property
    def job_name(self) -> str:
        """Of the file of results."""
        return 'peer-' + self.against.replace(':', '-').lower()


PEERS = (
    Peer('hrformer_small', 'mmpose:HRFormer-small', dict(fuse_upsample='bilinear')),
    Peer('conformer_small_patch32', 'mmpretrain:conformer-small-p32'),
    Peer('cvt_13', 'transformers:cvt-13', dict(out_indices=(0, 1, 2))),
)


def jobs(threads: int) -> List[Job]:
    """One for each implementation."""
    return [peer.job(threads) for peer in PEERS]


def table(results: Mapping[str, Dict[str, Any]]) -> str:
    """The speed beside other implementations; a dash for what is not installed."""
    rows = []
    for peer in PEERS:
        result = results.get(peer.job_name)
        cells = ['-'] * 4
        if result:
            against = result['against']
            cells = [
                f'{result["seconds"]["median"]:.2f}',
                f'{against["seconds"]["median"]:.2f}',
                f'{against["ratio"]:.2f}',
                f'{peer.package} {result["versions"].get(peer.package, "")}'.strip(),
            ]
        rows.append([f'`{peer.network}`', f'`{peer.against}`', *cells])
    return markdown_table(COLUMNS, rows)

"""The rows of the table, the most telling ones first."""

from dataclasses import dataclass
from itertools import product
from typing import List, Optional, Tuple

from ....errors import ConfigError
from ....zoo.names import list_backbones, resolve
from ..networks import matching
from ..settings import Settings, check_settings

SIZE = (512, 512)  # segmentation's crop, and the training step of docs/benchmark.md
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
DTYPES = ('bfloat16', 'float32')
MODES = ('eager', 'folded', 'compiled')
WHATS = ('inference', 'training')
REPEATS = 10  # calls of milliseconds
WARMUP = 3


@dataclass(frozen=True)
class Plan:
    """What the table is about.

    Args:
        networks: Built-in backbones.
        peers: Networks of other packages, as :func:`build_network` takes them. The first is what
            all others are timed in turns with.
        size: Height and width of the images, in pixels.
        batches: Images at a time, rising. There are rows for the first, and for the largest with
            which an eager step fits into memory.
        dtypes: Of weights and images, the most telling one first.
        modes: How backbones are run. Other networks are run eagerly; a training step is not folded.
        whats: ``'inference'`` and ``'training'``.
        device: ``'cuda'``, or ``'cpu'`` to try the suite itself.
        repeats: Timed calls of each row.
        warmup: Calls before.
        threads: Of torch.
    """

    networks: Tuple[str, ...]
    peers: Tuple[str, ...] = ()
    size: Tuple[int, int] = SIZE
    batches: Tuple[int, ...] = BATCHES
    dtypes: Tuple[str, ...] = DTYPES
    modes: Tuple[str, ...] = MODES
    whats: Tuple[str, ...] = WHATS
    device: str = 'cuda'
    repeats: int = REPEATS
    warmup: int = WARMUP
    threads: int = 1

    def settings(self, row: 'Row', batch: int, reference: Optional[str] = None) -> Settings:
        """Of one row, with so many images, in turns with a reference or alone."""
        return Settings(
            row.network,
            size=self.size,
            batch=batch,
            dtype=row.dtype,
            threads=self.threads,
            mode=row.mode,
            what=row.what,
            device=self.device,
            against=reference,
            repeats=self.repeats,
            warmup=self.warmup,
            memory=False,  # which would be another process for each row
        )


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Args:
        network: What is measured.
        what: ``'inference'`` or ``'training'``.
        dtype: Of weights and images.
        mode: How the network is run.
        largest: With the largest batch that fits, else with the first.
    """

    network: str
    what: str
    dtype: str
    mode: str
    largest: bool

    @property
    def search(self) -> str:
        """The rows of one key share the largest batch."""
        return f'{self.network} {self.what} {self.dtype}'

    @property
    def key(self) -> str:
        """No other row has it."""
        return f'{self.search} {"largest" if self.largest else "first"} {self.mode}'


def chosen_backbones(specs: Tuple[str, ...]) -> Tuple[str, ...]:
    """Names or patterns of built-in backbones as their full names; all of them for none.

    Raises:
        ConfigError: There is no such backbone.
    """
    if not specs:
        return tuple(list_backbones())
    return tuple(dict.fromkeys(resolve(name).name for name in matching(specs)))


def check_plan(plan: Plan) -> None:
    """See that a plan is possible, before anything is built.

    Raises:
        ConfigError: It is not.
    """
    if list(plan.batches) != sorted(set(plan.batches)):
        raise ConfigError(f'`batches` must rise, got {" ".join(map(str, plan.batches))}')
    rows = rows_of(plan)
    if not rows:
        raise ConfigError('a folded network does not train: `what=inference`, or another `mode`')
    check_settings(plan.settings(rows[0], plan.batches[0]))


def rows_of(plan: Plan) -> List[Row]:
    """All rows, in the order in which they are to be measured.

    What is compiled takes minutes: of the first type and the largest batch it comes early for one
    backbone of each family, and else last.
    """
    leads = _one_of_each_family(plan.networks)
    batches = (True, False) if len(plan.batches) > 1 else (False,)

    def rank(row: Row) -> Tuple[int, ...]:
        telling = row.dtype == plan.dtypes[0] and row.largest == batches[0]
        compiled = 'compiled' in row.mode
        if not compiled:
            tier = 0 if telling else 2 if row.dtype == plan.dtypes[0] else 3
        else:
            tier = 1 if telling and row.network in leads and row.what == plan.whats[0] else 4
        ours = row.network in plan.networks
        return (
            tier,
            plan.dtypes.index(row.dtype),
            not row.largest,
            ours and row.network not in leads,
        )

    rows = [
        Row(network, what, dtype, mode, largest)
        for network, what, dtype, mode, largest in product(
            (*plan.peers, *plan.networks), plan.whats, plan.dtypes, plan.modes, batches
        )
        if not (what == 'training' and 'folded' in mode)
        and (mode == 'eager' or network in plan.networks)
    ]
    return sorted(rows, key=rank)  # stable: a network's rows stay together within a tier


def _one_of_each_family(names: Tuple[str, ...]) -> Tuple[str, ...]:
    """The first name of each."""
    found = {resolve(name).family: name for name in reversed(names)}
    return tuple(name for name in names if name in found.values())

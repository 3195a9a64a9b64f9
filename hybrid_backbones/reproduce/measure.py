"""One test, and what it measures beside the metrics."""

from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional

import torch

from ..engine.test import test
from ..openmmlab.metrics import as_published
from ..utils.memory import peak_memory
from ..utils.versions import machine, versions


@dataclass
class Measured:
    """What a test has measured.

    Args:
        metrics: In percent, under the names of the published ones.
        tested: Images, or persons for top-down poses.
        rate: Of them in a second, loading included.
        peak_memory: In bytes: of the GPU's memory what torch allocated, on a CPU what was resident.
        machine: The processor's name.
        versions: Of Python and the libraries.
        sha256: Of the file, in hexadecimal digits.
        data: Folder of the dataset, ``synthetic``, or empty for the config's own.
        notes: Settings that belong to the file, and what was not tested.
    """

    metrics: Dict[str, float]
    tested: int
    rate: float
    peak_memory: int
    machine: str
    versions: Dict[str, str]
    sha256: str = ''
    data: str = ''
    notes: List[str] = field(default_factory=list)

    def to_dict(self) -> Dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measure(
    config: str,
    checkpoint: str,
    *,
    work_dir: str,
    sha256: str = '',
    data_root: Optional[str] = None,
    mini: bool = False,
    tta: bool = False,
) -> Measured:
    """Test a published model, in a process that does nothing else.

    Args:
        config: Name of a built-in config.
        checkpoint: The file.
        work_dir: For the log.
        sha256: Of the file, to be kept with the result.
        data_root: Folder of the dataset, in place of the config's.
        mini: Test on synthetic data with the dataset's classes.
        tta: Test-time augmentation.

    Raises:
        ConfigError: The file is of another model, or the data is not there.
        CheckpointError: The file cannot be read.
        ImportError: The library that the config is for is not installed.
    """
    tested = test(
        config,
        checkpoint,
        work_dir=work_dir,
        mini=mini,
        all_classes=mini,
        data_root=data_root,
        tta=tta,
    )
    gpu = torch.cuda.is_available()
    return Measured(
        metrics=as_published(tested.metrics),
        tested=tested.tested,
        rate=tested.rate,
        peak_memory=torch.cuda.max_memory_allocated() if gpu else peak_memory(),
        machine=machine('cuda' if gpu else 'cpu'),
        versions=versions(),
        sha256=sha256,
        data='synthetic' if mini else data_root or '',
        notes=tested.notes,
    )

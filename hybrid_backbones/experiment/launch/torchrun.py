"""Several processes on this machine, by torchrun."""

import sys
from typing import List

NAME = 'pytorch'


def command(arguments: List[str], processes: int) -> List[str]:
    """The command that runs ``hybrid-backbones`` in so many processes.

    Several runs at a time do not meet: ``--standalone`` looks for a free port.
    """
    torchrun = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    return [*torchrun, f'--nproc_per_node={processes}', '-m', 'hybrid_backbones', *arguments]

"""One process on this machine."""

import sys
from typing import List

NAME = 'none'  # as ``train --launcher`` takes it


def command(arguments: List[str]) -> List[str]:
    """The command that runs ``hybrid-backbones`` with some arguments."""
    return [sys.executable, '-m', 'hybrid_backbones', *arguments]

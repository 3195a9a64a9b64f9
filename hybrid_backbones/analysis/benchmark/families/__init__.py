"""Other implementations of the built-in families, to compare with.

Each module in this folder has the ``PEERS`` of one family, or of one that others are compared with:
by ``PACKAGE:NAME``, what builds one. Where one of them stands in the table of all backbones, its
``BESIDE`` names it, and other ways to have the same network.
"""

from typing import Callable, Dict, Tuple

from torch import nn

from ....utils.modules import modules_in

PEERS: Dict[str, Callable[[], nn.Module]] = {
    name: build for family in modules_in(__name__) for name, build in family.PEERS.items()
}
BESIDE: Tuple[Tuple[str, ...], ...] = tuple(
    family.BESIDE for family in modules_in(__name__) if hasattr(family, 'BESIDE')
)

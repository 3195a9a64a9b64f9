"""Which class stands in a graph for which: the shared ones, and each family's own.

Each module in this folder is of one family. It has its ``VARIANTS``, and may have ``CONSTANTS``: by
class, a function that makes a module which knows the answer, of one of that class and of what that
was called with.
"""

from typing import Callable, Dict, Iterable, Type

from torch import nn

from ....utils.modules import modules_in

VARIANTS: Dict[Type[nn.Module], Type[nn.Module]] = {}
CONSTANTS: Dict[Type[nn.Module], Callable[..., nn.Module]] = {}


def register_any_size(variants: Iterable[Type[nn.Module]]) -> None:
    """Make known what modules compute in a graph for all image sizes.

    Args:
        variants: Classes that each derive from the one that they stand for, hold the same weights,
            and ask for no size (see :mod:`hybrid_backbones.deploy.exporting.dynamic_shapes`).
    """
    VARIANTS.update({base: variant for variant in variants for base in variant.__bases__})


for _family in modules_in(__name__):
    register_any_size(_family.VARIANTS)
    CONSTANTS.update(getattr(_family, 'CONSTANTS', {}))

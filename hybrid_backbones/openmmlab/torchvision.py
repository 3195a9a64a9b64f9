"""Importing a torchvision that was built for another torch.

Its import fails with "operator torchvision::nms does not exist": wheels for a CPU and for a GPU do
not fit each other. OpenMMLab's libraries import torchvision and need none of its operators, so that
it is enough to declare the two that torchvision asks for.

This file needs nothing else of the package: `tools/dev/make_env.sh` copies it into environments
with such a torchvision.
"""

import importlib
import sys
from importlib.abc import MetaPathFinder
from typing import Any, List

LIBRARIES: List[Any] = []  # operators stay declared as long as these objects live


def repair_torchvision() -> None:
    """Import torchvision if it is installed, and declare its operators if that fails."""
    try:
        importlib.import_module('torchvision')
    except ImportError:
        return
    except RuntimeError as error:
        if 'torchvision::nms' not in str(error):
            raise
        declare_operators()
        importlib.import_module('torchvision')


def repair_on_import() -> None:
    """Declare the operators when a program imports torchvision, and import nothing before.

    For a torchvision that fails without: one that works could not declare its own any more.
    """
    sys.meta_path.insert(0, _BeforeTorchvision())


def declare_operators() -> None:
    """Declare what torchvision's import looks for."""
    import torch

    library = torch.library.Library('torchvision', 'DEF')
    for operator in ('nms', 'qnms'):
        library.define(f'{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    LIBRARIES.append(library)


class _BeforeTorchvision(MetaPathFinder):
    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if fullname == 'torchvision' and not LIBRARIES:
            declare_operators()
        return None  # other finders find it

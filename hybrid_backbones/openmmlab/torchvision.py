"""Importing a torchvision that was built for another torch."""

import importlib
from typing import List

import torch

_libraries: List[torch.library.Library] = []


def repair_torchvision() -> None:
    """Make a torchvision that was built for another torch importable.

    mmpose and mmengine's environment report import torchvision but need none of its operators;
    its import fails only because two of them are not declared.
    """
    try:
        importlib.import_module('torchvision')
    except ImportError:
        return
    except RuntimeError as error:
        if 'torchvision::nms' not in str(error):
            raise
        library = torch.library.Library('torchvision', 'DEF')
        library.define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
        library.define('qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
        _libraries.append(library)  # the declarations live as long as this object
        importlib.import_module('torchvision')

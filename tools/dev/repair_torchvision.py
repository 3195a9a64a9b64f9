"""Make a torchvision that was built for another torch importable, for every program of .venv.

`tools/dev/make_env.sh` puts this file into .venv, with a .pth file that imports it, where
torchvision would fail with "operator torchvision::nms does not exist": its wheels match torch's
wheels for GPUs, and no other. OpenMMLab's libraries import it and need none of its operators;
declaring the two that it asks for is enough. Nothing heavy is imported before torchvision is.
"""

import sys
from importlib.abc import MetaPathFinder


class _BeforeTorchvision(MetaPathFinder):
    library = None  # the declarations live as long as this object

    def find_spec(self, name, path=None, target=None):
        if name == 'torchvision' and self.library is None:
            import torch

            library = _BeforeTorchvision.library = torch.library.Library('torchvision', 'DEF')
            for operator in ('nms', 'qnms'):
                library.define(f'{operator}(Tensor dets, Tensor scores, float iou) -> Tensor')
        return None  # others find it


sys.meta_path.insert(0, _BeforeTorchvision())

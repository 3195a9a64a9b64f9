"""The stand-in for mmcv's extension module, and who serves what in it."""

import functools
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Callable, Dict, NoReturn, Tuple

from torch import Tensor

from . import (
    carafe,
    deform_conv,
    focal_loss,
    masked_conv,
    modulated_deform_conv,
    ms_deform_attn,
    nms,
    psamask,
    roi_align,
    roi_pool,
    torchvision_kernels,
)

NAME = 'mmcv._ext'

# mmcv.ops' names, and the functions of the extension that they call
OPERATORS: Dict[str, Tuple[Callable[..., Any], ...]] = {
    'nms': (nms.nms,),
    'soft_nms': (nms.softnms,),
    'nms_match': (nms.nms_match,),
    'roi_align': (roi_align.roi_align_forward, roi_align.roi_align_backward),
    'roi_pool': (roi_pool.roi_pool_forward, roi_pool.roi_pool_backward),
    'sigmoid_focal_loss': (
        focal_loss.sigmoid_focal_loss_forward,
        focal_loss.sigmoid_focal_loss_backward,
    ),
    'softmax_focal_loss': (
        focal_loss.softmax_focal_loss_forward,
        focal_loss.softmax_focal_loss_backward,
    ),
    'deform_conv2d': (
        deform_conv.deform_conv_forward,
        deform_conv.deform_conv_backward_input,
        deform_conv.deform_conv_backward_parameters,
    ),
    'modulated_deform_conv2d': (
        modulated_deform_conv.modulated_deform_conv_forward,
        modulated_deform_conv.modulated_deform_conv_backward,
    ),
    'masked_conv2d': (masked_conv.masked_im2col_forward, masked_conv.masked_col2im_forward),
    'carafe': (carafe.carafe_forward, carafe.carafe_backward),
    'carafe_naive': (carafe.carafe_naive_forward, carafe.carafe_naive_backward),
    'psa_mask': (psamask.psamask_forward, psamask.psamask_backward),
    'ms_deform_attn': (
        ms_deform_attn.ms_deform_attn_forward,
        ms_deform_attn.ms_deform_attn_backward,
    ),
}

HOW_TO_COMPILE = (
    'pip uninstall mmcv-lite; pip install setuptools==80.10.2 wheel ninja; '
    'MMCV_WITH_OPS=1 pip install --no-build-isolation mmcv==2.1.0'
)


def _by_device(on_cpu: Callable[..., Any], elsewhere: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(on_cpu)
    def call(first: Tensor, *args: Any, **kwargs: Any) -> Any:
        function = on_cpu if first.device.type == 'cpu' else elsewhere
        return function(first, *args, **kwargs)

    return call


class StandIn(ModuleType):
    """Has every function that ``mmcv.ops`` looks for; those without a stand-in refuse when called.

    Args:
        with_torchvision: Whether torchvision's kernels serve where they can.
        on_cpu: Whether they do so on a CPU too, where plain torch takes less time.
    """

    def __init__(self, with_torchvision: bool, on_cpu: bool = True):
        super().__init__(NAME, 'mmcv.ops without compiling, by hybrid_backbones.')
        # mmcv asks for a loader before it believes that there are operators
        self.__spec__ = ModuleSpec(NAME, _Loader(), origin=__name__)
        self.__loader__ = self.__spec__.loader
        by_torchvision = torchvision_kernels.FUNCTIONS if with_torchvision else {}
        self.served: Dict[str, str] = {}
        self.on_cpu = on_cpu
        for name, functions in OPERATORS.items():
            names = [function.__name__ for function in functions]
            is_theirs = all(each in by_torchvision for each in names)
            self.served[name] = 'torchvision' if is_theirs else 'plain'
            for each, function in zip(names, functions):
                if is_theirs:
                    theirs = by_torchvision[each]
                    function = theirs if on_cpu else _by_device(function, theirs)
                setattr(self, each, function)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith('__'):
            raise AttributeError(f'module {NAME!r} has no attribute {name!r}')

        def refuse(*args: Any, **kwargs: Any) -> NoReturn:
            raise NotImplementedError(
                f'{name} of mmcv.ops needs a compiled mmcv: {HOW_TO_COMPILE} (minutes, with a '
                'C++ compiler)'
            )

        refuse.__name__ = name
        return refuse

    @staticmethod
    def get_compiler_version() -> str:
        """For reports of the environment."""
        return 'not compiled'

    @staticmethod
    def get_compiling_cuda_version() -> str:
        """For reports of the environment."""
        return 'not compiled'


class _Loader(Loader):
    """Loads nothing: the module is there already."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass

"""Each test runs with plain torch and, where they load, with torchvision's kernels."""

import sys
from contextlib import ExitStack
from unittest import mock

import pytest
import torch

from hybrid_backbones.openmmlab import operators
from hybrid_backbones.openmmlab.operators.extension import StandIn
from hybrid_backbones.openmmlab.operators.torchvision_kernels import load

operators.install()
try:
    import mmcv.ops
except ImportError:
    collect_ignore_glob = ['*.py']  # stand-ins for operators of a library that is not there

MODULES = (
    'carafe',
    'deform_conv',
    'focal_loss',
    'masked_conv',
    'modulated_deform_conv',
    'multi_scale_deform_attn',
    'nms',
    'psa_mask',
    'roi_align',
    'roi_pool',
)


class Served:
    """``mmcv.ops`` with its functions served by one extension module."""

    def __init__(self, extension):
        self.extension = extension

    def __getattr__(self, name):
        # mmcv.ops.psa_mask is the module
        function = getattr(sys.modules.get(f'mmcv.ops.{name}'), name, None) or getattr(
            mmcv.ops, name
        )
        return lambda *args, **kwargs: self.run(lambda: function(*args, **kwargs))

    def with_grads(self, name, tensors, *args, seed=None, **kwargs):
        """The output, and gradients of those tensors that have them, for a random direction."""
        leaves = [each.detach().requires_grad_(each.is_floating_point()) for each in tensors]
        output = getattr(self, name)(*leaves, *args, **kwargs)
        if seed is None:
            generator = torch.Generator().manual_seed(5)
            seed = torch.randn(output.shape, generator=generator, dtype=torch.float64)
        wanted = [each for each in leaves if each.requires_grad]

        # the backward pass looks its kernels up when it runs
        def backward():
            return torch.autograd.grad(
                output, wanted, seed.to(output), allow_unused=True, retain_graph=True
            )

        return output.detach(), self.run(backward)

    def run(self, function):
        """Call a function that uses ``mmcv.ops`` on its own."""
        with ExitStack() as stack:
            for name in MODULES:  # sys.modules: mmcv.ops.nms is the function
                module = sys.modules[f'mmcv.ops.{name}']
                stack.enter_context(mock.patch.object(module, 'ext_module', self.extension))
            return function()


@pytest.fixture(scope='session', params=['plain', 'torchvision'])
def ours(request):
    if request.param == 'torchvision' and load() is None:
        pytest.skip('torchvision has no kernels for this torch')
    return Served(StandIn(with_torchvision=request.param == 'torchvision'))


@pytest.fixture(scope='session')
def plain():
    return Served(StandIn(with_torchvision=False))


@pytest.fixture(scope='session')
def compiled():
    extension = sys.modules['mmcv._ext']
    if isinstance(extension, StandIn):
        pytest.skip('mmcv is not compiled here')
    return Served(extension)

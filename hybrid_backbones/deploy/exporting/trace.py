"""A network as one graph for all image sizes and batches, by torch.export."""

import copy
from typing import Any, Optional, Tuple, Union

import torch
from torch import Tensor, nn

from ...backbones import HybridBackbone
from ...backbones.images import MIN_SIZE
from ..folding.fold import FoldedBackbone
from .dynamic_shapes import for_any_size
from .fixed_size import constants_for
from .of_images import OfImages

Backbone = Union[HybridBackbone, FoldedBackbone, OfImages]
Size = Tuple[int, int]
# one pixel more than backbones need: torch.export takes a dimension that may be 1 for one that
# always is
SMALLEST, LARGEST = MIN_SIZE + 1, 2**13
# What is looked at while recording. Odd, and no multiple of any window: every padding and every
# crop is there. Where nothing is to be padded, the same graph pads by nothing.
EXAMPLE = (225, 283)
INPUT = 'images'
ASSERTS = ('aten._assert_scalar.default', 'aten._assert_tensor_metadata.default')


class Traced(nn.Module):
    """What is recorded: a copy of a network, without questions about sizes.

    Args:
        backbone: In eval mode.
        images: ``(N, in_channels, H, W)``, if all will be of that size.
    """

    def __init__(self, backbone: Backbone, images: Optional[Tensor] = None):
        super().__init__()
        copied = copy.deepcopy(backbone)
        constants = {} if images is None else constants_for(copied, images)
        self.backbone = for_any_size(copied, constants)

    def forward(self, images: Tensor) -> Tuple[Tensor, ...]:
        """``(N, in_channels, H, W)`` to all that the network returns."""
        return self.backbone(images)


@torch.no_grad()
def trace(
    backbone: Backbone, size: Optional[Size] = None, batch: Optional[int] = None
) -> torch.export.ExportedProgram:
    """Record what a backbone, or more of a model, computes.

    Args:
        backbone: In eval mode, folded or not. It stays as it is.
        size: Height and width that all images will have; None: any from ``SMALLEST`` to
            ``LARGEST`` pixels.
        batch: How many images there will be at a time; None: any number. With a given size and
            number nothing in the graph is symbolic, and recording takes half the time.

    Returns:
        A program that takes images ``(N, in_channels, H, W)``.
    """
    from torch.export import Dim
    from torch.fx.experimental import _config

    symbols: Any = _config  # torch gives its settings modules their methods at run time

    shape = {} if batch else {0: Dim('batch', min=1)}
    if size is None:
        shape[2] = Dim('height', min=SMALLEST, max=LARGEST)
        shape[3] = Dim('width', min=SMALLEST, max=LARGEST)
    images = torch.zeros(batch or 2, backbone.in_channels, *(size or EXAMPLE))
    network = Traced(backbone, None if size is None else images[:1])
    with symbols.patch(backed_size_oblivious=True):  # a dimension may be 1 for some sizes
        program = torch.export.export(
            network,
            (images,),
            dynamic_shapes={INPUT: shape},
            prefer_deferred_runtime_asserts_over_guards=True,
        )
    _drop_asserts(program)
    return program


def _drop_asserts(program: torch.export.ExportedProgram) -> None:
    """Remove what the graph would assert about sizes.

    torch notes each answer that it gave while it computed strides in memory, say that a map was
    not one position wide, and would refuse images for which it would have answered otherwise. No
    number depends on these answers; every export is compared with its backbone.
    """
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in list(module.graph.nodes):
                if str(node.target) in ASSERTS and not node.users:
                    module.graph.erase_node(node)
            module.graph.eliminate_dead_code()
            module.recompile()

"""Where a CNN branch and a transformer branch look: class activation maps weighted by gradients.

Selvaraju et al. 2017, Grad-CAM (https://arxiv.org/abs/1610.02391), equations 1 and 2, on the map of
the one and on the patches of the other, as the paper of Conformer (https://arxiv.org/abs/2105.03889)
compares what the two respond to. A family with such branches names its ``two_branch_blocks``.
"""

from typing import Callable, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from ...backbones import HybridBackbone, families
from ...errors import ConfigError


class BranchCam(NamedTuple):
    """What speaks for a target, branch by branch; not negative, in units of their own.

    Args:
        cnn: ``(h, w)``, on the map that the block hands on.
        cnn_stride: Of that map, in pixels.
        transformer: ``(h', w')``, on the patches.
        patch: Side of a patch, in pixels.
        value: Of the target.
        block: The block's name.
    """

    cnn: Tensor
    cnn_stride: int
    transformer: Tensor
    patch: int
    value: float
    block: str


def branch_cam(
    backbone: HybridBackbone,
    image: Tensor,
    target: Optional[Callable[[Tensor], Tensor]] = None,
    block: Optional[str] = None,
) -> BranchCam:
    """Grad-CAM of both branches after a coupling block.

    Each channel of a map is weighted by the mean over the positions of the target's gradient with
    respect to it; the weighted sum is cut at zero.

    Args:
        backbone: In eval mode, without checkpointing; it may be part of a model.
        image: ``(1, 3, H, W)``, normalised.
        target: Images to a number, calling the backbone once; None: the sum of squares of the
            last level.
        block: Name of a coupling block, ``'stages.2.blocks.0'`` say; None: the last one.

    Raises:
        ConfigError: The backbone has no such block, or no two branches.
    """
    block = _find_block(backbone, block)
    image = image.detach().clone().requires_grad_(True)  # weights may be frozen
    outputs: List[Tuple[Tensor, Tensor]] = []
    hook = backbone.get_submodule(block).register_forward_hook(
        lambda module, args, output: outputs.append(output)
    )
    try:
        with torch.enable_grad():
            value = (target or (lambda image: backbone(image)[-1].square().sum()))(image)
    finally:
        hook.remove()
    x, tokens = outputs[0]
    gradients = torch.autograd.grad(value, (x, tokens), allow_unused=True)
    # a target that the branch has no part in has no gradient there
    of_x, of_tokens = (
        torch.zeros_like(t) if g is None else g for t, g in zip((x, tokens), gradients)
    )
    patch = backbone.arch.patch
    stage = int(block.split('.')[1])
    rows, cols = (-(-side // patch) for side in image.shape[2:])
    as_map = [t[:, 1:].transpose(1, 2).unflatten(2, (rows, cols)) for t in (tokens, of_tokens)]
    stride = 4 * 2**stage
    height, width = (-(-side // stride) for side in image.shape[2:])
    return BranchCam(
        cnn=grad_cam(x, of_x)[0, :height, :width],  # beyond is padding
        cnn_stride=stride,
        transformer=grad_cam(*as_map)[0],
        patch=patch,
        value=value.item(),
        block=block,
    )


def grad_cam(x: Tensor, gradient: Tensor) -> Tensor:
    """A map's channels, each weighted by its mean gradient, summed, and cut at zero.

    Args:
        x: ``(N, C, h, w)``.
        gradient: Of the same shape.

    Returns:
        ``(N, h, w)``.
    """
    weights = gradient.mean((2, 3), keepdim=True)
    return (weights * x).sum(1).relu().detach()


def _find_block(backbone: HybridBackbone, block: Optional[str]) -> str:
    kinds = backbone.two_branch_blocks
    if not kinds:
        able = ', '.join(name for name, family in families().items() if family.two_branch_blocks)
        raise ConfigError(
            f'cam compares the two branches of a {able}; this is a {type(backbone).__name__}'
        )
    blocks = [name for name, module in backbone.named_modules() if isinstance(module, kinds)]
    if block is None:
        return blocks[-1]
    if block not in blocks:
        raise ConfigError(f'no coupling block {block!r}; there is {", ".join(blocks)}')
    return block

"""What is folded in the modules that families share, and what a rule is.

A rule takes a module in eval mode, with its children folded already, changes it, and returns what
shall stand in its place: most often the module itself. Rules hold for exactly the classes that
they name, since a subclass may compute something else.
"""

from typing import Any, Callable, Dict

import torch
from torch import Tensor, nn

from ...layers import (
    ConvBNAct,
    DepthwiseConv2d,
    DropPath,
    Linear,
    Mlp,
    ResidualDWConv,
    SelfAttention,
)
from .affine import fold_into, set_weights
from .heads import align_self_attention
from .inplace import ResidualSum
from .onednn import by_onednn, fold_activation

# of the class that it is registered for, which the table knows and types cannot say
Rule = Callable[[Any], nn.Module]


def fold_norms(module: nn.Module, **norms: str) -> nn.Module:
    """Norms into the layers right before them: ``layer='norm'``."""
    for layer, norm in norms.items():
        fold_into(module, layer, after=[norm])
    return module


def fold_conv_bn_act(module: ConvBNAct) -> ConvBNAct:
    """The norm into the convolution, and the activation, if there is one, into its kernel."""
    fold_into(module, 'conv', after=['bn'])
    fold_activation(module, 'act', 'conv')
    return module


def fold_mlp(mlp: Mlp) -> Mlp:
    """The activation into the kernel of the layer before."""
    fold_activation(mlp, 'act', 'fc1')
    return mlp


def fold_residual(conv: ResidualDWConv) -> nn.Module:
    """``x + conv(x)`` is a convolution whose kernels have 1 more in their middle."""
    plain = nn.Conv2d(
        conv.dim,
        conv.dim,
        conv.kernel,
        padding=conv.kernel // 2,
        groups=conv.dim,
        device='meta',  # weights follow
    )
    weight = conv.weight.double().clone()  # (C, 1, k, k)
    middle = conv.kernel // 2
    weight[:, 0, middle, middle] += 1
    plain.weight = conv.weight  # for its type
    set_weights(plain, weight, conv.bias)
    return by_onednn(plain)


class GELUInPlace(nn.GELU):
    """GELU that overwrites its input: what writes to fresh memory takes half as long again."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape out as in, and the same memory."""
        return torch.ops.aten.gelu_(x, approximate=self.approximate)


def gelu_in_place(gelu: nn.GELU) -> GELUInPlace:
    """Every GELU here comes behind a convolution or a linear layer, whose output is its own."""
    return GELUInPlace(gelu.approximate)


def drop_nothing(module: DropPath) -> ResidualSum:
    """In eval mode nothing is dropped."""
    return ResidualSum()


RULES: Dict[type, Rule] = {
    ConvBNAct: fold_conv_bn_act,
    DepthwiseConv2d: by_onednn,
    DropPath: drop_nothing,
    Linear: by_onednn,
    Mlp: fold_mlp,
    nn.GELU: gelu_in_place,
    nn.Conv2d: by_onednn,
    nn.Linear: by_onednn,
    ResidualDWConv: fold_residual,
    SelfAttention: align_self_attention,
}

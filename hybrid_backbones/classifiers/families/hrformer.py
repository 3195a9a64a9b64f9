"""HRFormer's classifier: HRNet's, with depthwise convolutions (Wang et al. 2020, section 3.3).

Paper: https://arxiv.org/abs/1908.07919. Each stream gets more channels, from the finest on each is
brought to the next one's size and added, and the coarsest is pooled.
"""

from typing import Any, Optional, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from ...backbones import HRFormer
from ...layers import BatchNorm2d
from ..head import ClassifierHead, Logits, register_head

INNER_DIMS = (32, 64, 128, 256)  # of each stream's bottleneck
EXPANSION = 4
POOLED_DIM = 2048


class DepthwiseBottleneck(nn.Module):
    """ResNet's bottleneck with a depthwise convolution inside."""

    def __init__(self, in_dim: int, inner: int):
        super().__init__()
        dim = inner * EXPANSION
        self.conv1 = nn.Conv2d(in_dim, inner, 1, bias=False)
        self.bn1 = BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, groups=inner, bias=False)
        self.bn2 = BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, dim, 1, bias=False)
        self.bn3 = BatchNorm2d(dim)
        self.downsample = nn.Identity()
        if in_dim != dim:
            self.downsample = nn.Sequential(  # type: ignore[assignment]
                nn.Conv2d(in_dim, dim, 1, bias=False), BatchNorm2d(dim)
            )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_dim, H, W) -> (N, 4 * inner, H, W)``."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


@register_head('HRFormer')
class HRFormerHead(ClassifierHead):
    """All four streams, joined from the finest to the coarsest."""

    levels = (0, 1, 2, 3)
    class_layers = ('classifier.',)

    def __init__(self, backbone: HRFormer, num_classes: int, arch: Any = None):
        super().__init__(backbone, num_classes, arch)
        dims = [inner * EXPANSION for inner in INNER_DIMS]
        self.incre_modules = nn.ModuleList(
            nn.Sequential(DepthwiseBottleneck(channels, inner))
            for channels, inner in zip(backbone.out_channels, INNER_DIMS)
        )
        self.downsamp_modules = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(dim, dim, 3, stride=2, padding=1, groups=dim),
                BatchNorm2d(dim),
                nn.Conv2d(dim, coarser, 1),
                BatchNorm2d(coarser),
                nn.ReLU(),
            )
            for dim, coarser in zip(dims, dims[1:])
        )
        self.final_layer = nn.Sequential(
            nn.Conv2d(dims[-1], POOLED_DIM, 1), BatchNorm2d(POOLED_DIM), nn.ReLU()
        )
        self.classifier = nn.Linear(POOLED_DIM, num_classes)  # weights as torch's own

    def forward(self, levels: Sequence[Tensor], token: Optional[Tensor]) -> Logits:
        finest, *coarser = levels
        x = self.incre_modules[0](finest)
        for level, increase, shrink in zip(coarser, self.incre_modules[1:], self.downsamp_modules):
            x = increase(level) + shrink(x)
        return self.classifier(self.final_layer(x).mean((2, 3)))

"""What asks for sizes in heads of the libraries."""

import torch.nn.functional as F
from torch import Tensor

from .families import register_any_size


def register_segmentation_heads() -> None:
    """Make known what MMSegmentation's modules compute in a graph for all image sizes.

    Raises:
        ImportError: It is not installed.
    """
    from mmseg.models.utils import Upsample

    class AnySizeUpsample(Upsample):
        """Multiplies sizes by a whole number: ``int()`` of a product would fix them."""

        def forward(self, x: Tensor) -> Tensor:
            factor = self.scale_factor
            if self.size or factor != int(factor):
                return super().forward(x)
            size = [side * int(factor) for side in x.shape[2:]]
            return F.interpolate(x, size, mode=self.mode, align_corners=self.align_corners)

    register_any_size([AnySizeUpsample])

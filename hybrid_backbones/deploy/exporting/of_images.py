"""More than a backbone, as a function of images that can be recorded."""

from typing import Any, Tuple

from torch import Tensor, nn


class OfImages(nn.Module):
    """A network, or a part of one, that takes images and returns tensors in a tuple.

    Args:
        model: What is called; in eval mode.
        in_channels: Of the images.
    """

    def __init__(self, model: nn.Module, in_channels: int):
        super().__init__()
        self.model: Any = model
        self.in_channels = in_channels

    def forward(self, images: Tensor) -> Tuple[Tensor, ...]:
        """``(N, in_channels, H, W)`` to all outputs."""
        return flatten(self.model(images))


def flatten(output: Any) -> Tuple[Tensor, ...]:
    """All tensors in tuples, lists and dicts, one in another."""
    if isinstance(output, Tensor):
        return (output,)
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, (list, tuple)):
        return tuple(tensor for part in output for tensor in flatten(part))
    return ()

"""An image as a backbone takes it, and as it is drawn on."""

from pathlib import Path
from typing import Any, NamedTuple, Optional, Tuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...backbones.images import IMAGENET_MEAN, IMAGENET_STD, MIN_SIZE
from ...errors import ConfigError
from ...inference.images import check_local, read_bgr

LONGEST = 640  # pixels to the longer side, where no size is asked for


class Image(NamedTuple):
    """One image.

    Args:
        name: Of the file, or ``'a drawn image'``.
        pixels: ``(H, W, 3)`` uint8, RGB.
    """

    name: str
    pixels: NDArray[Any]

    @property
    def size(self) -> Tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.pixels.shape[:2]
        return height, width

    def normalised(self) -> Tensor:
        """``(1, 3, H, W)``, with ImageNet's mean and standard deviation taken out."""
        mean, std = (np.array(values, np.float32) for values in (IMAGENET_MEAN, IMAGENET_STD))
        values = (self.pixels.astype(np.float32) - mean) / std
        return torch.from_numpy(values).permute(2, 0, 1)[None].contiguous()


def read_image(path: Optional[str], size: Optional[Tuple[int, int]] = None) -> Image:
    """Read an image from a file, or draw one.

    Args:
        path: Of a file that OpenCV reads; None: a scene of shapes, as the mini datasets have.
        size: Height and width to resize to; None: as it is, but at most ``LONGEST`` pixels a side.

    Raises:
        ConfigError: The file is missing or not an image, or a side is below 32 pixels.
    """
    import cv2  # mmengine brings it

    if path is None:
        from ...synthetic.scenes import draw_scene

        name, pixels = 'a drawn image', draw_scene(seed=4, sides=((384, 512),)).image
    else:
        check_local(path)
        if not Path(path).is_file():
            raise ConfigError(f'no image {path}')
        name, read = Path(path).name, read_bgr(Path(path))
        if isinstance(read, str):
            raise ConfigError(f'{path}: {read}')
        pixels = read
    there = pixels.shape[:2]
    scale = min(1.0, LONGEST / max(there))
    height, width = size or [round(side * scale) for side in there]
    if min(height, width) < MIN_SIZE:
        raise ConfigError(
            f'an image needs at least {MIN_SIZE}x{MIN_SIZE} pixels, got {height}x{width}'
        )
    if (height, width) != there:
        smaller = height * width < there[0] * there[1]
        how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, (width, height), interpolation=how)
    return Image(name, np.ascontiguousarray(pixels[..., ::-1]))

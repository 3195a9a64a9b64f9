"""An image as a backbone takes it, and as it is drawn on."""

from pathlib import Path
from typing import NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from ...backbones.images import IMAGENET_MEAN, IMAGENET_STD, MIN_SIZE
from ...errors import ConfigError

LONGEST = 640  # pixels to the longer side, where no size is asked for


class InputImage(NamedTuple):
    """One image.

    Args:
        name: Of the file, or ``'a drawn image'``.
        pixels: ``(H, W, 3)`` uint8, RGB.
    """

    name: str
    pixels: np.ndarray

    @property
    def size(self) -> Tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[:2]

    def normalised(self) -> Tensor:
        """``(1, 3, H, W)``, with ImageNet's mean and standard deviation taken out."""
        values = (self.pixels.astype(np.float32) - np.float32(IMAGENET_MEAN)) / np.float32(
            IMAGENET_STD
        )
        return torch.from_numpy(values).permute(2, 0, 1)[None].contiguous()


def read_image(path: Optional[str], size: Optional[Tuple[int, int]] = None) -> InputImage:
    """Read an image from a file, or draw one.

    Args:
        path: Of a file that OpenCV reads; None: a scene of shapes, as our mini sets have.
        size: Height and width to resize to; None: as it is, but at most ``LONGEST`` pixels a side.

    Raises:
        ConfigError: The file is missing or no image, or a side is below 32 pixels.
    """
    import cv2  # mmengine brings it

    if path is None:
        from ...synthetic.scenes import draw_scene

        name, pixels = 'a drawn image', draw_scene(seed=4, sides=((384, 512),)).image
    elif not Path(path).is_file():
        raise ConfigError(f'no image {path}')
    else:
        name = Path(path).name
        pixels = cv2.imdecode(np.frombuffer(Path(path).read_bytes() or b'0', np.uint8), 1)
        if pixels is None:
            raise ConfigError(f'{path} is no image that can be read: JPEG or PNG would be')
    if size is None:
        scale = min(1.0, LONGEST / max(pixels.shape[:2]))
        size = tuple(round(side * scale) for side in pixels.shape[:2])
    if min(size) < MIN_SIZE:
        raise ConfigError(
            f'an image needs at least {MIN_SIZE}x{MIN_SIZE} pixels, got {size[0]}x{size[1]}'
        )
    if tuple(size) != pixels.shape[:2]:
        smaller = size[0] * size[1] < pixels.shape[0] * pixels.shape[1]
        how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, tuple(size)[::-1], interpolation=how)
    return InputImage(name, np.ascontiguousarray(pixels[..., ::-1]))

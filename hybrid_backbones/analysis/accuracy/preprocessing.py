"""From an image to what a classifier sees: resized, cropped and normalised."""

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

Values = Tuple[float, float, float]  # of red, green and blue, from 0 to 1

MEAN: Values = (0.485, 0.456, 0.406)
STD: Values = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """How images are brought to a size; bicubic, as in all five codes.

    Args:
        size: Side of the square that the network sees, in pixels.
        resize: What the shorter side becomes before the centre is cropped, in pixels; None: the
            whole image is squeezed into the square.
        mean, std: Of the pixels, which are normalised with them.
        assumed: What of it is nowhere published; empty if nothing.
    """

    size: int
    resize: Optional[int]
    mean: Values = MEAN
    std: Values = STD
    assumed: str = ''

    def __str__(self) -> str:
        if self.resize is None:
            return f'{self.size}x{self.size}, whole images'
        return f'{self.size}x{self.size}, centre of images resized to {self.resize}'

    def __call__(self, image: Image.Image) -> Tensor:
        """``(3, size, size)``, RGB, normalised.

        Sizes round as torchvision's Resize and CenterCrop round them, which the authors use.
        """
        image = image.convert('RGB')
        width, height = image.size
        new = _resized(width, height, self.resize) if self.resize else (self.size, self.size)
        image = image.resize(new, Image.Resampling.BICUBIC)
        left, top = (round((side - self.size) / 2) for side in new)
        image = image.crop((left, top, left + self.size, top + self.size))
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (self.mean, self.std))
        return (pixels - mean) / std


def _resized(width: int, height: int, shorter: int) -> Tuple[int, int]:
    if width <= height:
        return shorter, int(shorter * height / width)
    return int(shorter * width / height), shorter

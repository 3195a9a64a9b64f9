"""What a feature map is like, whatever the image."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """A feature map: its channels, and how many pixels of the image one of its positions spans."""

    channels: int
    stride: float

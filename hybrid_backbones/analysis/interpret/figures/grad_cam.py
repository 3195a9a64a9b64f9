"""The figure of ``branch_cam``: the image and the two branches."""

from typing import Any

from ..grad_cam import BranchCam
from ..images import Image
from .canvas import sheet, show, show_heat


def draw_branch_cam(image: Image, cam: BranchCam, heading: str) -> Any:
    """Each branch in grades of its own largest value.

    Returns:
        A matplotlib figure.
    """
    height, width = image.size
    figure, axes = sheet(1, 3, (3.2, 3.2 * height / width + 0.3), heading)
    show(axes[0, 0], image.pixels, image.name)
    for axis, values, stride, name in (
        (axes[0, 1], cam.cnn, cam.cnn_stride, 'CNN branch'),
        (axes[0, 2], cam.transformer, cam.patch, 'transformer branch'),
    ):
        nothing = '' if bool(values.max() > 0) else ': nothing speaks for it'
        title = f'{name}, stride {stride}{nothing}'
        show_heat(axis, image.pixels, values, stride, title)
    return figure

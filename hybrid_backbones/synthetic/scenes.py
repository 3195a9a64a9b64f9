"""Procedural scenes: coloured shapes and drawn persons on textured ground.

Which object covers which is known exactly.
"""

from dataclasses import dataclass, replace
from typing import Any, List, Sequence, Tuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .persons import OUTSIDE, SEEN, Figure, paint, pose_figure

SHAPES = ('disc', 'square', 'triangle')
SIDES = ((384, 384), (384, 480), (480, 384))  # (height, width) in pixels
RADII = (27.0, 108.0)  # half extent of a shape in pixels
CROWD_RADIUS, CROWD_SPREAD = 15.0, 60.0  # pixels
HUE_SPREAD = 45.0  # degrees to either side of a kind's own hue
MIN_VISIBLE = 0.4  # nothing is placed where it leaves less of another to be seen
MIN_INSIDE, MIN_SEEN = 9, 6  # joints of a figure inside the image, and of them not covered
TRIES = 12  # at placing a figure


@dataclass(frozen=True)
class Shape:
    """One object of a scene.

    Args:
        kind: Index into ``SHAPES``.
        mask: ``(H, W)`` bool, the pixels of it that are seen.
        is_crowd: It is a cluster of shapes of one kind, not told apart.
    """

    kind: int
    mask: NDArray[Any]
    is_crowd: bool = False


@dataclass(frozen=True)
class Scene:
    """An image and what is in it.

    Args:
        image: ``(H, W, 3)`` uint8, BGR.
        shapes: The objects, from the farthest to the nearest.
        figures: The persons, all nearer than the shapes, from the farthest to the nearest.
    """

    image: NDArray[Any]
    shapes: Tuple[Shape, ...]
    figures: Tuple[Figure, ...] = ()


def draw_scene(
    seed: int,
    max_objects: int = 5,
    crowd: bool = False,
    max_figures: int = 0,
    sides: Sequence[Tuple[int, int]] = SIDES,
) -> Scene:
    """Draw a scene; the same seed gives the same scene.

    Args:
        seed: Of the random numbers.
        max_objects: Most objects drawn (at least one, if not 0).
        crowd: Begin with a cluster of small shapes, marked as a crowd.
        max_figures: Most persons drawn (at least one, if not 0).
        sides: Sizes of images to choose from, (height, width) in pixels.
    """
    rng = np.random.default_rng(seed)
    height, width = sides[rng.integers(len(sides))]
    image = _ground(rng, height, width)
    shapes: List[Shape] = []
    if crowd:
        shapes.append(_draw_crowd(rng, image))
    for _ in range(int(rng.integers(1, max_objects + 1)) if max_objects else 0):
        kind = int(rng.integers(len(SHAPES)))
        radius = RADII[0] * (RADII[1] / RADII[0]) ** rng.random()
        center = rng.uniform((0.6 * radius,) * 2, (width - 0.6 * radius, height - 0.6 * radius))
        mask = _rasterise(rng, kind, center, radius, image.shape[:2])
        if all(_is_seen(s, s.mask & ~mask) for s in shapes):
            _fill(rng, image, mask, kind)
            shapes = [Shape(s.kind, s.mask & ~mask, s.is_crowd) for s in shapes]
            shapes.append(Shape(kind, mask))
    figures = _draw_figures(rng, image, max_figures) if max_figures else []
    for figure in figures:
        shapes = [replace(s, mask=s.mask & ~figure.mask) for s in shapes]
    image = image + rng.normal(0, 4, image.shape)
    return Scene(np.clip(image, 0, 255).astype(np.uint8), tuple(shapes), tuple(figures))


def _draw_figures(rng: np.random.Generator, image: NDArray[Any], most: int) -> List[Figure]:
    """Draw one to ``most`` persons, each nearer than those before it."""
    figures: List[Figure] = []
    wanted = int(rng.integers(1, most + 1))
    for _ in range(wanted * TRIES):
        figure, parts = pose_figure(rng, (image.shape[0], image.shape[1]))
        covered = [replace(f, mask=f.mask & ~figure.mask) for f in figures]
        if (figure.visibility != OUTSIDE).sum() >= MIN_INSIDE and all(
            (f.visibility == SEEN).sum() >= MIN_SEEN
            and f.mask.sum() >= MIN_VISIBLE * before.mask.sum()
            for f, before in zip(covered, figures)
        ):
            paint(image, parts)
            figures = [*covered, figure]
        if len(figures) == wanted:
            break
    return figures


def _is_seen(shape: Shape, rest: NDArray[Any]) -> bool:
    """Whether ``rest`` is enough of a shape, with no hole in it: polygons cannot say holes."""
    if rest.sum() < MIN_VISIBLE * shape.mask.sum():
        return False
    if shape.is_crowd:  # has run lengths, which can
        return True
    found = cv2.findContours(rest.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return bool((found[1][0, :, 3] < 0).all())


def _ground(rng: np.random.Generator, height: int, width: int) -> NDArray[Any]:
    """Soft blotches and faint stripes, ``(H, W, 3)`` float."""
    blotches = rng.uniform(70, 180, (4, 5, 1)) + rng.uniform(-15, 15, (4, 5, 3))
    ground = cv2.resize(blotches, (width, height), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[:height, :width]
    angle, period = rng.uniform(0, np.pi), rng.uniform(12, 42)
    stripes = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    return ground + rng.uniform(4, 14) * stripes[..., None]


def _draw_crowd(rng: np.random.Generator, image: NDArray[Any]) -> Shape:
    """Draw eight to twelve small shapes of one kind close together."""
    height, width = image.shape[:2]
    kind = int(rng.integers(len(SHAPES)))
    middle = rng.uniform((CROWD_SPREAD,) * 2, (width - CROWD_SPREAD, height - CROWD_SPREAD))
    crowd = np.zeros((height, width), bool)
    for _ in range(int(rng.integers(8, 13))):
        center = middle + rng.uniform(-CROWD_SPREAD, CROWD_SPREAD, 2)
        mask = _rasterise(rng, kind, center, CROWD_RADIUS, crowd.shape)
        _fill(rng, image, mask, kind)
        crowd |= mask
    return Shape(kind, crowd, is_crowd=True)


def _rasterise(
    rng: np.random.Generator, kind: int, center: Any, radius: float, shape: Tuple[int, ...]
) -> NDArray[Any]:
    """Pixels of a shape, turned at random; ``center`` is (x, y)."""
    mask = np.zeros(shape, np.uint8)
    corners = {'disc': 48, 'square': 4, 'triangle': 3}[SHAPES[kind]]
    turn = rng.uniform(0, 2 * np.pi)
    angles = turn + np.arange(corners) * 2 * np.pi / corners
    outline = np.asarray(center) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], (1,))
    return mask.astype(bool)


def _fill(rng: np.random.Generator, image: NDArray[Any], mask: NDArray[Any], kind: int) -> None:
    """Paint the mask in a strong colour; a kind keeps to a third of the colour wheel."""
    hue = (360 / len(SHAPES) * kind + rng.uniform(-HUE_SPREAD, HUE_SPREAD)) % 360
    hsv = np.array([[[hue, rng.uniform(0.55, 1), rng.uniform(0.55, 1)]]], np.float32)
    image[mask] = 255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0]

"""Drawn persons: a head, a torso and limbs that are coloured apart, with 17 joints known exactly.

All face the viewer, so the left limbs are on the right of the image. A limb keeps one hue from
shoulder or hip to its end, and the other side has the opposite hue; which of the two is the left
one differs from figure to figure. So sides are told by where a limb begins, as in photographs,
and what is learnt stays true in a mirrored image, which training and testing both use.
"""

from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

import cv2
import numpy as np
from numpy.typing import NDArray

JOINTS = (
    'nose',
    'left_eye',
    'right_eye',
    'left_ear',
    'right_ear',
    'left_shoulder',
    'right_shoulder',
    'left_elbow',
    'right_elbow',
    'left_wrist',
    'right_wrist',
    'left_hip',
    'right_hip',
    'left_knee',
    'right_knee',
    'left_ankle',
    'right_ankle',
)
OUTSIDE, COVERED, SEEN = 0, 1, 2  # COCO's visibility flags

HEIGHTS = (130.0, 330.0)  # from crown to ankle, in pixels
HUES = (30.0, 210.0)  # degrees, of the limbs of the two sides
HUE_SPREAD = 20.0  # degrees to either side
LEAN, TILT = 20.0, 15.0  # degrees: most that a figure leans, and a head against its body
# as fractions of the height
HEAD, TORSO, NECK = 0.095, 0.31, 0.13
SHOULDER, HIP = 0.125, 0.08  # half widths
UPPER_ARM, FOREARM, THIGH, SHIN = 0.16, 0.15, 0.22, 0.21
ARM_WIDTH, LEG_WIDTH, HAND, FOOT, EAR, DOT = 0.06, 0.075, 0.042, 0.05, 0.035, 0.02
BLACK, WHITE = np.full(3, 20.0), np.full(3, 245.0)


@dataclass(frozen=True)
class Figure:
    """A person of a scene.

    Args:
        joints: ``(17, 2)`` int, x and y in pixels, in the order of ``JOINTS``; they may lie
            outside the image.
        mask: ``(H, W)`` bool, the pixels of it that are seen.
    """

    joints: NDArray[Any]
    mask: NDArray[Any]

    @property
    def visibility(self) -> NDArray[Any]:
        """``(17,)`` int: OUTSIDE the image, COVERED by something nearer, or SEEN."""
        height, width = self.mask.shape
        x, y = self.joints.T
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        seen = self.mask[y.clip(0, height - 1), x.clip(0, width - 1)]
        return np.where(inside, np.where(seen, SEEN, COVERED), OUTSIDE)


@dataclass(frozen=True)
class Part:
    """Pixels ``mask`` ``(H, W)`` bool to be painted in ``colour`` (BGR, 0 to 255)."""

    mask: NDArray[Any]
    colour: NDArray[Any]


def pose_figure(rng: np.random.Generator, shape: Tuple[int, int]) -> Tuple[Figure, List[Part]]:
    """A person in a random pose, not painted yet.

    Args:
        rng: Source of the random numbers.
        shape: Height and width of the image in pixels.

    Returns:
        The figure, and its parts in the order of painting.
    """
    size = HEIGHTS[0] * (HEIGHTS[1] / HEIGHTS[0]) ** rng.random()
    height, width = shape
    middle = np.array([rng.uniform(0.03, 0.97) * width, rng.uniform(0.35, 0.9) * height])
    points = {
        name: np.round(middle + size * point).astype(int) for name, point in _pose(rng).items()
    }
    sketch = _Sketch(points, size, shape)
    _sketch(rng, sketch)
    mask = np.any([part.mask for part in sketch.parts], axis=0)
    return Figure(np.stack([points[name] for name in JOINTS]), mask), sketch.parts


def paint(image: NDArray[Any], parts: List[Part]) -> None:
    """Paint onto ``image`` ``(H, W, 3)`` float, BGR."""
    for part in parts:
        image[part.mask] = part.colour


def _pose(rng: np.random.Generator) -> Dict[str, NDArray[Any]]:
    """Points (x, y) in heights of the figure, y downward, from the middle of the hips.

    Besides the joints there are ``head``, the middle of the head, and ``neck``, where it begins.
    """
    down = rng.uniform(-LEAN, LEAN)
    middle = _toward(down + 180, TORSO)
    points = {'head': middle + _toward(down + 180, NECK)}
    _pose_face(points, down + rng.uniform(-TILT, TILT), turn=rng.uniform(-0.3, 0.3))
    points['neck'] = middle
    for side, out in (('left', 1), ('right', -1)):
        # angles are from straight down; the figure's left is the right of the image
        shoulder = middle + _toward(down + out * 90, SHOULDER)
        angle = rng.uniform(10, 150)
        elbow = shoulder + _toward(down + out * angle, UPPER_ARM)
        wrist = elbow + _toward(down + out * (angle + rng.uniform(-40, 80)), FOREARM)
        hip = _toward(down + out * 90, HIP)
        angle = rng.uniform(2, 40)
        knee = hip + _toward(down + out * angle, THIGH)
        ankle = knee + _toward(down + out * (angle + rng.uniform(-40, 15)), SHIN)
        limbs = dict(shoulder=shoulder, elbow=elbow, wrist=wrist, hip=hip, knee=knee, ankle=ankle)
        points.update({f'{side}_{name}': point for name, point in limbs.items()})
    return points


def _pose_face(points: Dict[str, NDArray[Any]], down: float, turn: float) -> None:
    """Add the face's points; ``turn`` is how far it looks aside, in radii of the head."""
    across, along = _toward(down + 90, HEAD), _toward(down, HEAD)
    points['nose'] = points['head'] + turn * across + 0.2 * along
    for side, out in (('left', 1), ('right', -1)):
        points[f'{side}_eye'] = points['head'] + (turn + out * 0.38) * across - 0.2 * along
        points[f'{side}_ear'] = points['head'] + out * across


def _toward(angle: float, length: float) -> NDArray[Any]:
    """The vector ``length`` long, ``angle`` degrees from straight down to the right."""
    return length * np.array([np.sin(np.radians(angle)), np.cos(np.radians(angle))])


class _Sketch:
    """Collects the parts of a figure, the farthest first.

    Args:
        points: Name to (x, y) in pixels.
        size: Height of the figure in pixels; radii and widths are fractions of it.
        shape: Height and width of the image in pixels.
    """

    def __init__(
        self, points: Dict[str, NDArray[Any]], size: float, shape: Tuple[int, int]
    ) -> None:
        self.points = {name: (int(x), int(y)) for name, (x, y) in points.items()}
        self.size = size
        self.shape = shape
        self.parts: List[Part] = []

    def disc(self, name: str, radius: float, colour: NDArray[Any]) -> None:
        mask = self._add(colour)
        cv2.circle(mask, self.points[name], max(round(radius * self.size), 2), (1,), -1)

    def limb(self, start: str, end: str, width: float, colour: NDArray[Any]) -> None:
        mask = self._add(colour)
        cv2.line(mask, self.points[start], self.points[end], (1,), max(round(width * self.size), 3))

    def polygon(self, names: Sequence[str], colour: NDArray[Any]) -> None:
        cv2.fillPoly(
            self._add(colour), [np.array([self.points[name] for name in names], np.int32)], (1,)
        )

    def _add(self, colour: NDArray[Any]) -> NDArray[Any]:
        """Begin a part; to be drawn with 1 into what is returned."""
        mask = np.zeros(self.shape, np.uint8)
        self.parts.append(Part(mask.view(bool), colour))
        return mask


def _sketch(rng: np.random.Generator, sketch: _Sketch) -> None:
    skin = _bgr(rng.uniform(18, 34), rng.uniform(0.3, 0.6), rng.uniform(0.65, 0.95))
    shirt = _bgr(rng.uniform(0, 360), rng.uniform(0.2, 0.6), rng.uniform(0.2, 0.4))
    hues = np.array(HUES)[rng.permutation(2)] + rng.uniform(-HUE_SPREAD, HUE_SPREAD, 2)
    dark = [_bgr(hue, 0.9, 0.55) for hue in hues]
    light = [_bgr(hue, 0.75, 0.95) for hue in hues]
    for i, side in enumerate(('left', 'right')):
        sketch.limb(f'{side}_hip', f'{side}_knee', LEG_WIDTH, dark[i])
        sketch.limb(f'{side}_knee', f'{side}_ankle', LEG_WIDTH, light[i])
        sketch.disc(f'{side}_ankle', FOOT, BLACK)
    sketch.limb('neck', 'head', ARM_WIDTH, skin)
    sketch.polygon(('left_shoulder', 'right_shoulder', 'right_hip', 'left_hip'), shirt)
    for i, side in enumerate(('left', 'right')):
        sketch.limb(f'{side}_shoulder', f'{side}_elbow', ARM_WIDTH, dark[i])
        sketch.limb(f'{side}_elbow', f'{side}_wrist', ARM_WIDTH, light[i])
        sketch.disc(f'{side}_wrist', HAND, skin)
        sketch.disc(f'{side}_ear', EAR, 0.7 * skin)
    sketch.disc('head', HEAD, skin)
    for name, colour in (('left_eye', WHITE), ('right_eye', WHITE), ('nose', BLACK)):
        sketch.disc(name, DOT, colour)


def _bgr(hue: float, saturation: float, value: float) -> NDArray[Any]:
    """A colour, ``(3,)`` BGR from 0 to 255; hue in degrees, the others from 0 to 1."""
    hsv = np.array([[[hue % 360, saturation, value]]], np.float32)
    return 255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0]

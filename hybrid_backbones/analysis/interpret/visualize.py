"""From the name of a backbone to a figure of what it computes."""

import re
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import torch

from ...backbones.base import HybridBackbone
from ...backbones.images import MIN_SIZE
from ...errors import ConfigError
from ...zoo.configs import is_config
from ...zoo.create import RANDOM, LoadedBackbone, load_backbone
from ...zoo.names import one_of_each_family
from .attention_maps import CLASS_TOKEN, Query, attention_map, find_block
from .cam_targets import Target, logit_of
from .feature_maps import feature_maps
from .figures import (
    FieldPanel,
    draw_attention,
    draw_branch_cam,
    draw_feature_maps,
    draw_receptive_fields,
)
from .grad_cam import branch_cam
from .images import Image, read_image
from .load_model import load_whole
from .receptive_field import area_shares, receptive_field

COLOURS = 3  # channels of the images that files are read as
Size = Tuple[int, int]


class FieldFigure(NamedTuple):
    """Effective receptive fields.

    Args:
        figure: A matplotlib figure.
        panels: What is in it, backbone by backbone.
    """

    figure: Any
    panels: List[FieldPanel]


def features_figure(
    backbone: str,
    *,
    image: Optional[str] = None,
    weights: Optional[str] = None,
    size: Optional[Size] = None,
    channels: int = 4,
) -> Any:
    """The levels of a backbone for one image.

    Args:
        backbone: Its name, or that of a config.
        image: File of the image; None: a synthetic one.
        weights: File of the weights; None: random ones.
        size: Height and width to resize the image to, in pixels.
        channels: How many of the strongest channels to show.

    Returns:
        A matplotlib figure.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: The weights cannot be used.
    """
    shown = read_image(image, size)
    loaded = load_backbone(backbone, weights)
    levels = feature_maps(loaded.backbone, _pixels(shown, loaded.backbone), num_channels=channels)
    return draw_feature_maps(shown, levels, _heading('features', loaded, shown))


def receptive_fields_figure(
    backbones: Sequence[str] = (),
    *,
    weights: Optional[Sequence[Optional[str]]] = None,
    images: Optional[Sequence[str]] = None,
    size: Size = (320, 320),
    level: Optional[int] = None,
    samples: int = 8,
) -> FieldFigure:
    """Effective receptive fields of backbones, side by side.

    Args:
        backbones: Their names; none: the first arch of every family.
        weights: A file for each backbone, None for random weights.
        images: Files of images, in place of random ones.
        size: Height and width of the images, in pixels.
        level: Index of the level, 0 to 3; None: the last one of each backbone.
        samples: Gradients to average.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: The weights cannot be used.
    """
    backbones = backbones or one_of_each_family()
    files = _one_each(weights, backbones)
    if min(size) < MIN_SIZE:
        raise ConfigError(f'`size` must be at least {MIN_SIZE}x{MIN_SIZE}')
    shown, what = [read_image(path, size) for path in images or ()], 'random images'
    if shown:
        what = 'one image' if len(shown) == 1 else f'{len(shown)} images'
    panels = []
    for name, file in zip(backbones, files):
        panels.append(_field_panel(load_backbone(name, file), shown, size, level, samples))
    sources = {Path(file).name if file else RANDOM for file in files}
    source = f', {sources.pop()}' if len(sources) == 1 else ''
    height, width = size
    heading = f'Effective receptive field at {height}x{width}: {samples} samples of {what}'
    return FieldFigure(draw_receptive_fields(panels, heading + source), panels)


def _field_panel(
    loaded: LoadedBackbone,
    shown: Sequence[Image],
    size: Size,
    level: Optional[int],
    samples: int,
) -> FieldPanel:
    levels = loaded.backbone.out_indices
    if level is not None and level not in levels:
        raise ConfigError(f'`level` must be one of {levels} for {loaded.name}, got {level}')
    index = len(levels) - 1 if level is None else levels.index(level)
    stride = loaded.backbone.out_strides[index]
    pixels = [_pixels(image, loaded.backbone) for image in shown]
    images = torch.cat(pixels) if pixels else None
    field = receptive_field(loaded.backbone, size, index, samples, images)
    title = f'{loaded.name}\nlevel {levels[index]}, stride {stride}\n{_short(loaded.weights)}'
    return FieldPanel(title, field, area_shares(field, stride))


def attention_figure(
    backbone: str,
    block: str,
    *,
    query: str = '0.5,0.5',
    image: Optional[str] = None,
    weights: Optional[str] = None,
    size: Optional[Size] = None,
) -> Any:
    """What one query of one block attends to, on an image.

    Args:
        backbone: Its name, or that of a config.
        block: Name of the block, such as ``'stages.2.blocks.3'``.
        query: See :func:`parse_query`.
        image: File of the image; None: a synthetic one.
        weights: File of the weights; None: random ones.
        size: Height and width to resize the image to, in pixels.

    Returns:
        A matplotlib figure.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: The weights cannot be used.
    """
    position = parse_query(query)
    shown = read_image(image, size)
    loaded = load_backbone(backbone, weights)
    find_block(loaded.backbone, block)
    found = attention_map(loaded.backbone, _pixels(shown, loaded.backbone), block, position)
    return draw_attention(shown, found, _heading(f'attention in {block}', loaded, shown))


def parse_query(text: str) -> Query:
    """``'0.5,0.5'`` over the image, ``'7,12'`` on the map, or ``'class'``.

    Raises:
        ConfigError: It is none of them.
    """
    if text == CLASS_TOKEN:
        return text
    if re.fullmatch(r'\d+,\d+', text):
        row, column = text.split(',')
        return int(row), int(column)
    if re.fullmatch(r'(\d*\.\d+|\d+\.?),(\d*\.\d+|\d+\.?)', text):
        y, x = text.split(',')
        return float(y), float(x)
    raise ConfigError(
        '`query` is Y,X: decimals from 0.0 to 1.0 over the image, whole numbers for a position '
        f'on the map, or {CLASS_TOKEN!r} for the class token; got {text!r}'
    )


def cam_figure(
    backbone: str,
    *,
    image: Optional[str] = None,
    weights: Optional[str] = None,
    size: Optional[Size] = None,
    block: Optional[str] = None,
    label: Optional[int] = None,
) -> Any:
    """Grad-CAM of the two branches of a backbone that has them, such as a Conformer.

    Args:
        backbone: Its name, or that of a config, whose whole model is then built.
        image: File of the image; None: a synthetic one.
        weights: File of the weights; None: random ones.
        size: Height and width to resize the image to, in pixels.
        block: Coupling block; None: the last one.
        label: The class whose score is explained; None: the best one of a config's model, and of
            a backbone alone the sum of squares of its last level.

    Returns:
        A matplotlib figure.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: The weights cannot be used.
    """
    shown = read_image(image, size)
    target: Optional[Target] = None
    if is_config(backbone):
        model, kind = load_whole(backbone, weights)
        target = kind(model, label)
        source = Path(weights).name if weights else RANDOM
        loaded = LoadedBackbone(model.backbone, Path(backbone).stem, source)
    else:
        loaded = load_backbone(backbone, weights)
        if label is not None:
            target = logit_of(loaded.backbone, weights, label)
    found = branch_cam(loaded.backbone, _pixels(shown, loaded.backbone), target, block)
    what = 'sum of squares of the last level'
    if target is not None:
        what = f'class {target.label}, {target.what}'
    heading = f'{_heading(f"Grad-CAM after {found.block}", loaded, shown)}\n{what}: '
    return draw_branch_cam(shown, found, f'{heading}{found.value:.3g}')


def _pixels(image: Image, backbone: HybridBackbone) -> torch.Tensor:
    """The image as the backbone takes it."""
    if backbone.in_channels != COLOURS:
        raise ConfigError(
            f'image files are read as {COLOURS} channels, and this backbone takes '
            f'{backbone.in_channels}: call the functions of hybrid_backbones.analysis.interpret '
            'with a tensor'
        )
    return image.normalised()


def _heading(what: str, loaded: LoadedBackbone, image: Image) -> str:
    height, width = image.size
    return f'{loaded.name}, {loaded.weights}: {what}; {image.name} at {height}x{width}'


def _one_each(
    files: Optional[Sequence[Optional[str]]], names: Sequence[str]
) -> List[Optional[str]]:
    """A file of weights for each backbone, or None."""
    if not files:
        return [None] * len(names)
    if len(files) != len(names):
        raise ConfigError(
            f'`weights` takes one file for each of {len(names)} backbones, or the word random; '
            f'got {len(files)}'
        )
    return list(files)


def _short(text: str, length: int = 34) -> str:
    return text if len(text) <= length else f'{text[: length - 1]}…'

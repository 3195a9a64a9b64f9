"""What ``tools/visualize.py`` does: compute, draw, write one picture, say where it is."""

import argparse
import re
from pathlib import Path
from typing import Any, List, Optional, Sequence

import torch

from ..analysis.interpret.attention_maps import CLASS_TOKEN, Query, attention_map, find_block
from ..analysis.interpret.cam_targets import PublishedLogit, Target
from ..analysis.interpret.feature_maps import feature_maps
from ..analysis.interpret.figures import (
    FieldPanel,
    draw_attention,
    draw_branch_cam,
    draw_feature_maps,
    draw_receptive_fields,
    save,
)
from ..analysis.interpret.figures.canvas import check_target
from ..analysis.interpret.grad_cam import branch_cam
from ..analysis.interpret.images import SMALLEST, Picture, read_picture
from ..analysis.interpret.load_model import load_whole
from ..analysis.interpret.receptive_field import area_shares, receptive_field
from ..errors import ConfigError
from ..zoo.configs import is_config
from ..zoo.create import RANDOM, LoadedBackbone, load_backbone

FAMILIES_SIDE_BY_SIDE = ('conformer_ti', 'transxnet_t', 'cvt_13', 'uniformer_s', 'hrformer_t')


def features(args: argparse.Namespace) -> None:
    """The levels of a backbone for one picture.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: The weights cannot be used.
    """
    out = _target(args, args.backbone)
    picture = read_picture(args.image, args.size)
    subject = load_backbone(args.backbone, args.weights)
    levels = feature_maps(subject.backbone, picture.normalised(), num_channels=args.channels)
    _write(draw_feature_maps(picture, levels, _heading('features', subject, picture)), out)


def receptive_fields(args: argparse.Namespace) -> None:
    """Effective receptive fields of backbones, side by side.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: The weights cannot be used.
    """
    names = args.backbones or list(FAMILIES_SIDE_BY_SIDE)
    files = _one_each(args.weights, names)
    out = _target(args, '_'.join(names) if args.backbones else 'families')
    if min(args.size) < SMALLEST:
        raise ConfigError(f'--size must be at least {SMALLEST}x{SMALLEST}')
    images, what = None, 'random images'
    if args.image:
        images = torch.cat([read_picture(path, args.size).normalised() for path in args.image])
        what = 'one picture' if len(images) == 1 else f'{len(images)} pictures'
    panels = []
    for name, file in zip(names, files):
        subject = load_backbone(name, file)
        panels.append(_field_panel(subject, images, args))
        shares = ', '.join(f'{s:.0%} in {a:.1%}' for s, a in panels[-1].shares.items())
        print(f'{panels[-1].title}: {shares} of the area'.replace('\n', ', '))
    sources = {Path(file).name if file else RANDOM for file in files}
    weights = f', {sources.pop()}' if len(sources) == 1 else ''
    height, width = args.size
    heading = f'Effective receptive field at {height}x{width}: {args.samples} samples of {what}'
    _write(draw_receptive_fields(panels, heading + weights), out)


def _field_panel(subject: LoadedBackbone, images: Any, args: argparse.Namespace) -> FieldPanel:
    levels = subject.backbone.out_indices
    if args.level is not None and args.level not in levels:
        raise ConfigError(f'--level must be one of {levels} for {subject.name}, got {args.level}')
    index = len(levels) - 1 if args.level is None else levels.index(args.level)
    stride = subject.backbone.out_strides[index]
    field = receptive_field(subject.backbone, args.size, index, args.samples, images)
    title = f'{subject.name}\nlevel {levels[index]}, stride {stride}\n{_short(subject.weights)}'
    return FieldPanel(title, field, area_shares(field, stride))


def attention(args: argparse.Namespace) -> None:
    """What one query of one block attends to, on a picture.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: The weights cannot be used.
    """
    out = _target(args, f'{args.backbone}_{args.block}')
    query = parse_query(args.query)
    picture = read_picture(args.image, args.size)
    subject = load_backbone(args.backbone, args.weights)
    find_block(subject.backbone, args.block)
    found = attention_map(subject.backbone, picture.normalised(), args.block, query)
    heading = _heading(f'attention in {args.block}', subject, picture)
    _write(draw_attention(picture, found, heading), out)


def parse_query(text: str) -> Query:
    """``'0.5,0.5'`` over the image, ``'7,12'`` on the map, or ``'class'``.

    Raises:
        ConfigError: It is none of them.
    """
    if text == CLASS_TOKEN:
        return text
    if re.fullmatch(r'\d+,\d+', text):
        return tuple(int(part) for part in text.split(','))
    if re.fullmatch(r'(\d*\.\d+|\d+\.?),(\d*\.\d+|\d+\.?)', text):
        return tuple(float(part) for part in text.split(','))
    raise ConfigError(
        '--query is Y,X: from 0.0 to 1.0 over the picture with points, whole numbers for a '
        f'position on the map, or {CLASS_TOKEN!r} for the class token; got {text!r}'
    )


def cam(args: argparse.Namespace) -> None:
    """What speaks for a target in the two branches of a Conformer.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: The weights cannot be used.
    """
    out = _target(args, args.backbone)
    picture = read_picture(args.image, args.size)
    image = picture.normalised()
    target: Optional[Target] = None
    if is_config(args.backbone):
        model, kind = load_whole(args.backbone, args.weights)
        target = kind(model, args.label)
        weights = Path(args.weights).name if args.weights else RANDOM
        subject = LoadedBackbone(model.backbone, Path(args.backbone).stem, weights)
    else:
        subject = load_backbone(args.backbone, args.weights)
        if args.label is not None:
            target = PublishedLogit(subject.backbone, args.weights, args.label)
    found = branch_cam(subject.backbone, image, target, args.block)
    what = 'sum of squares of the last level'
    if target is not None:
        what = f'class {target.label}, {target.what}'
    heading = f'{_heading(f"Grad-CAM after {found.block}", subject, picture)}\n{what}: '
    _write(draw_branch_cam(picture, found, f'{heading}{found.value:.3g}'), out)


def _target(args: argparse.Namespace, name: str) -> Path:
    """Where the figure goes, checked."""
    plain = re.sub(r'[^\w.-]+', '-', Path(name).stem if name.endswith('.py') else name)
    return check_target(args.out or f'work_dirs/visualize/{args.command}_{plain}.png')


def _heading(what: str, subject: LoadedBackbone, picture: Picture) -> str:
    height, width = picture.size
    return f'{subject.name}, {subject.weights}: {what}; {picture.name} at {height}x{width}'


def _one_each(files: Optional[Sequence[str]], names: Sequence[str]) -> List[Optional[str]]:
    """A file of weights for each backbone; the word ``random`` stands for none."""
    if not files:
        return [None] * len(names)
    if len(files) != len(names):
        raise ConfigError(
            f'--weights takes one file for each of {len(names)} backbones, or the word random; '
            f'got {len(files)}'
        )
    return [None if file == 'random' else file for file in files]


def _short(text: str, length: int = 34) -> str:
    return text if len(text) <= length else f'{text[: length - 1]}…'


def _write(figure: Any, out: Path) -> None:
    save(figure, out)
    print(f'written: {out}')

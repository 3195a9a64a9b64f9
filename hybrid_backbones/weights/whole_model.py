"""Whole models as published, under the names that today's libraries have.

They are detectors, segmentors and pose estimators, saved by OpenMMLab's libraries of 2021 and by
openseg. Heads of MMDetection and MMSegmentation are named as they were. What differs is the
backbone's names (as in its ImageNet files), MMPose's ``keypoint_head`` and all of openseg's.
"""

import os
from dataclasses import dataclass, field
from typing import Any, Dict, Tuple, Union

from torch import Tensor

from .checkpoint import Checkpoint, read_checkpoint
from .identify import identify
from .key_mapping import KeyMapping, join_parts

BACKBONE = 'backbone.'
COLOURS, POSITION_BIAS = 'model.data_preprocessor.bgr_to_rgb', 'model.backbone.with_rel_pos_bias'
SETTINGS = 'hybrid_backbones_settings'  # in the meta of a converted checkpoint
POSE_HEAD = ('keypoint_head.', 'head.')  # MMPose 0, MMPose 1

_ATTENTION = 'ocr_distri_head.object_context_block'
_OUR_ATTENTION = 'decode_head.1.object_context_block'


def _block(published: str, ours: str, at: int = 0) -> Tuple[Tuple[str, str], ...]:
    """Convolution, and batch norm within a sequence of its own, at two places of a sequence."""
    return (
        (f'{published}.{at}.{{leaf}}', f'{ours}.conv.{{leaf}}'),
        (f'{published}.{at + 1}.0.{{leaf}}', f'{ours}.bn.{{leaf}}'),
    )


# openseg's OCR head under MMSegmentation's names
OPENSEG_OCR = KeyMapping(
    family='OCR head',
    source='openseg',
    signature=f'{_ATTENTION}.f_pixel.0.weight',
    rules=(
        *_block('aux_head', 'decode_head.0.convs.0'),
        ('aux_head.2.{leaf}', 'decode_head.0.conv_seg.{leaf}'),
        *_block('conv3x3', 'decode_head.1.bottleneck'),
        *_block(f'{_ATTENTION}.f_pixel', f'{_OUR_ATTENTION}.query_project.0'),
        *_block(f'{_ATTENTION}.f_pixel', f'{_OUR_ATTENTION}.query_project.1', at=2),
        *_block(f'{_ATTENTION}.f_object', f'{_OUR_ATTENTION}.key_project.0'),
        *_block(f'{_ATTENTION}.f_object', f'{_OUR_ATTENTION}.key_project.1', at=2),
        *_block(f'{_ATTENTION}.f_down', f'{_OUR_ATTENTION}.value_project'),
        *_block(f'{_ATTENTION}.f_up', f'{_OUR_ATTENTION}.out_project'),
        *_block('ocr_distri_head.conv_bn_dropout', f'{_OUR_ATTENTION}.bottleneck'),
        ('cls_head.{leaf}', 'decode_head.1.conv_seg.{leaf}'),
    ),
)


@dataclass(frozen=True)
class PublishedModel:
    """A checkpoint of a whole model, under our names.

    Args:
        checkpoint: What the file holds; renamed, if it was published under other names.
        source: Whose names they were; empty if they are ours.
        settings: What a config has to say for this file, by dotted keys, with the reason for each.
    """

    checkpoint: Checkpoint
    source: str = ''
    settings: Dict[str, Tuple[Any, str]] = field(default_factory=dict)


def read_model(
    source: Union[str, 'os.PathLike[str]'], allow_non_finite: bool = False
) -> PublishedModel:
    """Read a checkpoint of a whole model, trained here or published by the authors or OpenMMLab.

    Args:
        source: Path or URL.
        allow_non_finite: Also take weights that are infinite or not a number.

    Raises:
        CheckpointError: The file cannot be read.
    """
    return translate_model(read_checkpoint(source, allow_non_finite))


def translate_model(checkpoint: Checkpoint) -> PublishedModel:
    """Rename what was published under other names; any other checkpoint stays as it is.

    Whether it is of a certain config is for the caller to see.
    """
    state = {name.removeprefix('module.'): value for name, value in checkpoint.state.items()}
    key_mapping, prefix = identify(state)
    if key_mapping is None or prefix != BACKBONE or key_mapping.source == 'hybrid_backbones':
        kept = checkpoint.meta.get(SETTINGS) or {}
        settings = {
            key: (value, 'as the file says')
            for key, value in kept.items()
            if key in (COLOURS, POSITION_BIAS) and isinstance(value, bool)
        }
        return PublishedModel(
            Checkpoint(state, checkpoint.meta, checkpoint.name), settings=settings
        )
    backbone, rest = divide(state, key_mapping, prefix)
    is_openseg = OPENSEG_OCR.signature in state
    if is_openseg:
        rest = _openseg_heads(rest)
    is_pose = any(name.startswith(POSE_HEAD[0]) for name in rest)
    if is_pose:
        rest = {name.replace(*POSE_HEAD, 1): value for name, value in rest.items()}
    named = {BACKBONE + name: value for name, value in join_parts(backbone).items()}
    return PublishedModel(
        Checkpoint({**named, **rest}, checkpoint.meta, checkpoint.name),
        'openseg' if is_openseg else key_mapping.source,
        _settings(key_mapping, is_openseg, is_pose),
    )


def divide(
    state: Dict[str, Tensor], key_mapping: KeyMapping, prefix: str
) -> Tuple[Dict[str, Tensor], Dict[str, Tensor]]:
    """The backbone's weights under our names, parts of tensors apart; all others as they are."""
    backbone, rest = {}, {}
    for key, value in state.items():
        inner = key[len(prefix) :]
        name = None
        if key.startswith(prefix) and not key_mapping.is_unused(inner):
            name = key_mapping.to_ours(inner)
        if name:
            backbone[name] = value
        else:
            rest[key] = value
    return backbone, rest


def _openseg_heads(heads: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """Under MMSegmentation's names, whose convolutions before batch norms have no bias.

    A batch norm takes the mean away, so that ``mean - bias`` computes the same in eval mode; in
    training the bias makes no difference.
    """
    renamed: Dict[str, Tensor] = {}
    for name, value in heads.items():
        renamed[OPENSEG_OCR.to_ours(name) or name] = value
    for name in [each for each in renamed if each.endswith('.conv.bias')]:
        mean = f'{name[: -len("conv.bias")]}bn.running_mean'
        if mean in renamed:
            renamed[mean] = renamed[mean] - renamed.pop(name)
    return renamed


def _settings(
    key_mapping: KeyMapping, is_openseg: bool, is_pose: bool
) -> Dict[str, Tuple[Any, str]]:
    if is_openseg:
        return {
            COLOURS: (
                False,
                'openseg trains on BGR images, normalised with the values of RGB',
            )
        }
    if is_pose:
        return {key: (value, reason) for key, value, reason in key_mapping.pose_settings}
    return {}

"""The old and the new model side by side: built, run, and what they cost."""

import logging
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

import torch
from mmengine.config import Config
from torch.utils.flop_counter import FlopCounterMode

from ..backbones.levels import Level
from ..complexity import count_parameters
from ..complexity.model import forward_flops
from ..config.traverse import walk
from ..openmmlab.heads import each_head
from ..utils.text import aligned_columns
from .changes import DropIn
from .probe import build

SMALL, LARGER = (256, 320), (512, 640)


@dataclass(frozen=True)
class Measured:
    """A model that an image has gone through.

    Args:
        params: All its parameters.
        flops: Multiply-adds for the image, as ``analysis.model_cost`` counts them; None where
            they cannot be counted.
        device: Where the image went through: ``'meta'`` checks shapes and computes nothing.
    """

    params: int
    flops: Optional[int]
    device: str


def measure(scope: str, model: Any, size: Tuple[int, int], compute: bool) -> Measured:
    """Build a model with random weights and send an image through.

    Args:
        scope: Its library.
        model: Its config.
        size: Height and width of the image.
        compute: Whether to predict with numbers; else shapes are enough where they can be had.

    Raises:
        Exception: Whatever the model raises.
    """
    model = {key: part for key, part in model.items() if key != 'data_preprocessor'}
    shadow = build(scope, model, 'meta')
    params, flops = count_parameters(shadow), None
    try:
        flops, device = forward_flops(scope, shadow, size), 'meta'
        _auxiliary(scope, shadow, size, 'meta')
    except Exception:  # something needs numbers
        device = 'cpu'
    if not compute and device == 'meta':
        return Measured(params, flops, device)
    whole = build(scope, model, 'cpu')
    _draw_weights(whole)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        predict(scope, whole, size)
        counted = counter.get_total_flops() // 2
        _auxiliary(scope, whole, size, 'cpu')
    return Measured(params, counted if flops is None else flops, 'cpu')


def _draw_weights(model: Any) -> None:
    """As for training: proposals that are learnt must be boxes. mmengine would log every tensor."""
    if hasattr(model, 'init_weights'):
        logging.disable(logging.CRITICAL)
        try:
            model.init_weights()
        finally:
            logging.disable(logging.NOTSET)


def predict(scope: str, model: Any, size: Tuple[int, int]) -> Any:
    """What a model makes of a drawn image: detections, or maps of classes or keypoints."""
    image = torch.rand(1, 3, *size)
    if scope == 'mmdet':
        samples = [_sample(size, proposals=not getattr(model, 'with_rpn', True))]
        try:
            return model(image, samples, mode='predict')
        except AttributeError:  # MMDetection 3.3's SSD cannot predict
            return model(image, samples, mode='tensor')
    return model(image, None, mode='tensor' if scope == 'mmpose' else 'predict')


def measure_somewhere(
    scope: str, model: Any, sizes: Sequence[Tuple[int, int]], compute: bool
) -> Tuple[Measured, Tuple[int, int]]:
    """As :func:`measure`, at the first of some sizes that the model takes; and which it was."""
    for size in sizes[:-1]:
        try:
            return measure(scope, model, size, compute), size
        except Exception:  # a kernel larger than the coarsest level, say
            continue
    return measure(scope, model, sizes[-1], compute), sizes[-1]


def image_sizes(cfg: Config) -> Sequence[Tuple[int, int]]:
    """Heights and widths of images to try a model with: its own if it takes one, or small ones.

    Pose models take one size, and SSD, whose anchors are made for it; LRASPP's window is large.
    """
    if cfg.default_scope == 'mmpose' and isinstance(cfg.get('codec'), dict):
        width, height = cfg.codec.get('input_size') or SMALL[::-1]
        return [(height, width)]
    for _, node in walk(cfg.model):
        if node.get('type') == 'SSDAnchorGenerator' and isinstance(node.get('input_size'), int):
            return [(node.input_size, node.input_size)]
        if node.get('type') == 'LRASPPHead':
            height, width = (cfg.model.get('data_preprocessor') or {}).get('size') or (512, 1024)
            return [(height, width)]
    return [SMALL, LARGER]


def _sample(size: Tuple[int, int], proposals: bool) -> Any:
    """What MMDetection knows of an image; Fast R-CNN has its proposals from elsewhere."""
    from mmdet.structures import DetDataSample
    from mmengine.structures import InstanceData

    shapes = dict.fromkeys(('img_shape', 'ori_shape', 'pad_shape', 'batch_input_shape'), size)
    border = [0.0, float(size[0]), 0.0, float(size[1])]  # for CenterNet: nothing padded
    others = dict(border=border, scale_factor=(1.0, 1.0), img_id=0, flip=False)
    sample = DetDataSample(metainfo={**shapes, **others})
    if proposals:
        boxes = torch.tensor([[0.0, 0.0, size[1], size[0]], [8.0, 8.0, 40.0, 56.0]])
        sample.proposals = InstanceData(bboxes=boxes, scores=torch.ones(2))
    return sample


def _auxiliary(scope: str, model: Any, size: Tuple[int, int], device: str) -> None:
    """Heads that only training uses."""
    heads = getattr(model, 'auxiliary_head', None)
    if scope != 'mmseg' or heads is None:
        return
    features = model.extract_feat(torch.zeros(1, 3, *size, device=device))
    for head in each_head(heads):
        head(features)


def table(
    drop: DropIn, before: Optional[Measured], after: Optional[Measured], size: Tuple[int, int]
) -> str:
    """Before and after, for people."""
    rows = [
        ('', 'before', 'after'),
        ('backbone', drop.model.backbone.type, f'{drop.variant.family} {drop.variant.arch}'),
        ('strides', _row(drop.old, 'stride'), _row(drop.new, 'stride')),
        ('channels', _row(drop.old, 'channels'), _row(drop.new, 'channels')),
        ('parameters', _params(before), _params(after)),
        (f'GFLOPs at {size[0]}x{size[1]}', _flops(before), _flops(after)),
    ]
    return aligned_columns(rows, 'lll') + '\n'


def _row(levels: List[Level], what: str) -> str:
    return ', '.join(f'{getattr(level, what):g}' for level in levels)


def _params(measured: Optional[Measured]) -> str:
    return 'unknown' if measured is None else f'{measured.params / 1e6:.1f} M'


def _flops(measured: Optional[Measured]) -> str:
    if measured is None or measured.flops is None:
        return 'unknown'
    return f'{measured.flops / 1e9:.1f}'


def root_of(cfg: Config, path: Tuple[Any, ...]) -> Any:
    """The detector, segmentor or pose estimator in a config."""
    node = cfg.model
    for key in path:
        node = node[key]
    return node

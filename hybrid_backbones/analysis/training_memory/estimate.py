"""How much memory a training step of a config's model needs, by arithmetic alone.

Weights, gradients and the optimizer's averages are counted from the parameters; activations by
running the forward pass without numbers and adding up what autograd keeps for the backward pass.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmengine.config import Config, ConfigDict
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from ...classifiers import ImageClassifier
from ...complexity.model import usual_size
from ...config.data import datasets_of
from ...config.traverse import kind_of, walk
from ...errors import ConfigError, as_config_error, one_line
from ...openmmlab.build import build_in_scope
from ...openmmlab.heads import each_head, empty_regions, heads_with_extractors
from ...openmmlab.library import library_of
from .saved_tensors import SavedTensors, follow_checkpointing
from .simulated_gpu import SimulatedCUDA

PRECISIONS = dict(fp32=None, bf16=torch.bfloat16)  # what matrix products are cast to
TRAINING_SIZE = (800, 1333)  # of an image in detection: the largest of the usual schedule
# regions of one image that a head learns from, by its kind
REGIONS = {'bbox': 512, 'mask': 128}
AVERAGES = dict(SGD=1, Adam=2, AdamW=2)  # that an optimizer has of each gradient
# Share of a card that what is counted may take. The rest is for CUDA itself, for what kernels need
# while they run, for gradients of activations, and for gaps between blocks of memory.
USABLE = 0.75
GIB = 2**30


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes that a training step keeps at the end of its forward pass, and for the optimizer.

    Args:
        weights: Parameters and buffers.
        gradients: Of the parameters that learn.
        averages: The optimizer's.
        backbone: What the backbone keeps for the backward pass; with ``with_cp``, and the largest
            block while it is recomputed.
        rest: What neck, heads and losses keep.
    """

    weights: int
    gradients: int
    averages: int
    backbone: int
    rest: int

    @property
    def fixed(self) -> int:
        """What does not depend on the images."""
        return self.weights + self.gradients + self.averages

    @property
    def activations(self) -> int:
        """What the backward pass needs."""
        return self.backbone + self.rest

    @property
    def total(self) -> int:
        """All of it."""
        return self.fixed + self.activations


def training_memory(
    cfg: Config,
    size: Optional[Tuple[int, int]] = None,
    batch: int = 2,
    precision: str = 'fp32',
    with_cp: Optional[Any] = None,
) -> TrainingMemory:
    """Count the memory of a training step of a config of one of the libraries.

    Counted are backbone, neck and heads, a two-stage detector's for ``REGIONS`` of an image, and
    losses of segmentors and classifiers. Not counted: assignment of targets and losses of detectors
    and pose estimators, temporary tensors, what a library or allocator takes beside, and the second
    copy of all gradients that DDP has.

    Args:
        cfg: As read from the file.
        size: Height and width in pixels; the default is :func:`training_size`.
        batch: Images.
        precision: ``'fp32'``, or ``'bf16'`` for automatic mixed precision.
        with_cp: As of a backbone; None leaves the config's.

    Raises:
        ConfigError: The config is of another library or backbone, or has a setting that cannot
            work.
    """
    library = library_of(cfg)
    backbone = (cfg.get('model') or {}).get('backbone') or {}
    if not str(backbone.get('type')).startswith('hybrid_backbones.'):
        raise ConfigError(f'the backbone must be of hybrid_backbones, got {backbone.get("type")}')
    model_cfg = ConfigDict(cfg.model.to_dict())
    model_cfg.backbone.init_cfg = None
    if with_cp is not None:
        model_cfg.backbone.with_cp = with_cp
    # errors of the backbone's own: a wrong argument, or too small an image
    with torch.device('meta'), as_config_error('', ValueError):
        model = build_in_scope(library, model_cfg)
        model = revert_sync_batchnorm(model).train()  # the same memory, and needs no GPU
        saved = SavedTensors(model)
        follow_checkpointing(model.backbone, saved)
        images = torch.empty(batch, model.backbone.in_channels, *(size or training_size(cfg)))
        with saved.counting(), SimulatedCUDA(PRECISIONS[precision]):
            levels = _features(model, images)
            of_backbone = saved.kept
            with _explained(model, images):
                _TRAINING[library](model, levels, images)
    parameters = list(model.parameters())
    learnt = _bytes(p for p in parameters if p.requires_grad)
    optimizer = (cfg.get('optim_wrapper') or {}).get('optimizer') or {}
    return TrainingMemory(
        weights=_bytes((*parameters, *model.buffers())),
        gradients=learnt,
        averages=learnt * AVERAGES.get(str(optimizer.get('type')), 2),
        backbone=of_backbone + saved.recomputed,
        rest=saved.kept - of_backbone,
    )


@contextmanager
def _explained(model: nn.Module, images: Tensor) -> Iterator[None]:
    """Necks and heads that cannot be called as most can.

    Raises:
        ConfigError: With what they say.
    """
    try:
        yield
    except (RuntimeError, TypeError, AttributeError, AssertionError, NotImplementedError) as error:
        height, width = images.shape[2:]
        sides = 'x'.join(str(-(-side // 32) * 32) for side in (height, width))
        divisible = sides == f'{height}x{width}'
        hint = '' if divisible else f'; with `size={sides}` it may be another matter'
        raise ConfigError(
            f'neck and heads of {type(model).__name__} cannot be followed on images of '
            f'{height}x{width}: {type(error).__name__}: {one_line(error)}{hint}'
        ) from None


def training_size(cfg: Config) -> Tuple[int, int]:
    """Height and width of the images that a config trains on, as usual.

    Detection 800x1333, or what the pipeline pads all images to; segmentation the crop, poses the
    model's own input,
    classification the crop.
    """
    if cfg.default_scope == 'mmdet':
        pipeline = [dataset.pipeline for dataset in datasets_of(cfg, 'train_dataloader')]
        padded = [n.size for _, n in walk(pipeline) if kind_of(n) == 'Pad' and n.get('size')]
        if not padded or isinstance(padded[-1], int):
            return TRAINING_SIZE
        width, height = padded[-1]
        return height, width
    crop = cfg.get('crop_size')
    if cfg.default_scope == 'mmseg' and crop:
        height, width = crop
        return height, width
    return usual_size(cfg)


def images_that_fit(few: TrainingMemory, more: TrainingMemory, card: float) -> int:
    """How many images a card of so many GiB can train on at a time, 0 if not even one.

    What is counted is a line in the number of images, and goes through both points.

    Args:
        few: For 2 images.
        more: For 3 images.
        card: Its memory in GiB.
    """
    each = more.total - few.total
    return max(int((card * GIB * USABLE - (few.total - 2 * each)) // each), 0)


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _features(model: Any, images: Tensor) -> Any:
    """What the backbone gives to the rest: its levels, and to a classifier its token."""
    if isinstance(model, ImageClassifier):
        return model.backbone.forward_with_token(images)
    return model.backbone(images)


def _detect(model: Any, levels: Sequence[Tensor], images: Tensor) -> None:
    maps = model.neck(levels) if model.with_neck else levels
    heads = getattr(model, 'roi_head', None)
    if heads is None:
        model.bbox_head(maps)
        return
    model.rpn_head(maps)
    for kind, extractor, head in heads_with_extractors(heads):
        # RoIAlign gives fp32, with a gradient to pass on
        number = len(images) * REGIONS[kind]
        head(empty_regions(number, extractor, device=maps[0].device, requires_grad=True))


def _segment(model: Any, levels: Sequence[Tensor], images: Tensor) -> None:
    maps = model.neck(levels) if model.with_neck else levels
    labels = torch.empty(len(images), *images.shape[2:], dtype=torch.long, device=images.device)
    logits = None
    for i, head in enumerate(each_head(model.decode_head)):
        logits = head(maps, logits) if i else head(maps)  # a cascade's heads see the one before
        _pixel_loss(logits, labels)
    if model.with_auxiliary_head:
        for head in each_head(model.auxiliary_head):
            _pixel_loss(head(maps), labels)


def _pixel_loss(logits: Tensor, labels: Tensor) -> Tensor:
    logits = F.interpolate(logits, labels.shape[1:], mode='bilinear')
    return F.cross_entropy(logits, labels)


def _pose(model: Any, levels: Sequence[Tensor], images: Tensor) -> None:
    model.head(model.neck(levels) if model.with_neck else levels)


def _classify(model: Any, features: Any, images: Tensor) -> None:
    logits = model.head(*features)
    labels = torch.empty(len(images), dtype=torch.long, device=images.device)
    for each in [logits] if isinstance(logits, Tensor) else logits:
        F.cross_entropy(each, labels)


_TRAINING: Dict[str, Any] = dict(mmdet=_detect, mmseg=_segment, mmpose=_pose, mmpretrain=_classify)

"""Parameters and operations of a whole model, built from its config.

Nothing is computed and no memory is taken: the model is built on the meta device.
"""

from dataclasses import dataclass
from typing import Callable, Dict, Optional, Tuple

import torch
from mmengine.config import Config
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..openmmlab.build import build_model
from ..openmmlab.library import library_of
from .backbone import count_parameters, image_channels

BOX_REGIONS, MASK_REGIONS = 1000, 100  # what mmdet's detectors look at in one image at most


@dataclass(frozen=True)
class ModelCost:
    """What a model costs for one image.

    Args:
        params: All parameters, those of heads that only training uses among them.
        flops: Multiply-adds of convolutions, linear layers and matrix products in the backbone,
            neck and heads; image preparation, RoIAlign, NMS and heads that only training uses are
            not counted. Two-stage detectors: `BOX_REGIONS` for each box head, `MASK_REGIONS` for
            each mask head.
        size: Height and width of the image, in pixels.
    """

    params: int
    flops: int
    size: Tuple[int, int]


def model_cost(cfg: Config, size: Optional[Tuple[int, int]] = None) -> ModelCost:
    """Parameters and multiply-adds of the model of a config of mmdet, mmseg or mmpose.

    Args:
        cfg: As read from the file.
        size: Height and width in pixels; the default is `usual_size`.

    Raises:
        ConfigError: The config is for another library.
    """
    library = library_of(cfg)
    size = size or usual_size(cfg)
    with torch.device('meta'):
        model = build_model(cfg).eval()
    return ModelCost(count_parameters(model), forward_flops(library, model, size), size)


def forward_flops(scope: str, model: nn.Module, size: Tuple[int, int]) -> int:
    """Multiply-adds of a model that stands on the meta device; see :class:`ModelCost`.

    Args:
        scope: ``'mmdet'``, ``'mmseg'`` or ``'mmpose'``.
        model: In evaluation mode.
        size: Height and width in pixels.
    """
    image = torch.empty(1, image_channels(getattr(model, 'backbone', model)), *size, device='meta')
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        _FORWARD[scope](model, image)
    return counter.get_total_flops() // 2


def usual_size(cfg: Config) -> Tuple[int, int]:
    """Height and width for which the field counts a model's operations.

    Detection 800x1280, segmentation 512x512 (Cityscapes 1024x2048), poses the model's own input.
    """
    if cfg.default_scope == 'mmdet':
        return 800, 1280
    if cfg.default_scope == 'mmpose':
        width, height = cfg.codec['input_size']
        return height, width
    return (1024, 2048) if cfg.get('dataset_type') == 'CityscapesDataset' else (512, 512)


def _detect(model: nn.Module, image: torch.Tensor) -> None:
    """The model's own tensor mode goes through NMS, for which there must be numbers."""
    if not getattr(model, 'with_roi_head', False):
        model(image, mode='tensor')
        return
    model.rpn_head(model.extract_feat(image))
    heads = model.roi_head
    for extractor, head in _pairs(heads.bbox_roi_extractor, heads.bbox_head):
        head(_regions(BOX_REGIONS, extractor))
    if heads.with_mask:
        for extractor, head in _pairs(heads.mask_roi_extractor, heads.mask_head):
            head(_regions(MASK_REGIONS, extractor))


def _pairs(extractors, heads):
    """A cascade has one of each a stage, other detectors have one."""
    return zip(extractors, heads) if isinstance(heads, nn.ModuleList) else [(extractors, heads)]


def _regions(number: int, extractor: nn.Module) -> torch.Tensor:
    height, width = extractor.roi_layers[0].output_size
    return torch.empty(number, extractor.out_channels, height, width, device='meta')


def _tensor_mode(model: nn.Module, image: torch.Tensor) -> None:
    model(image, mode='tensor')


def _pose(model: nn.Module, image: torch.Tensor) -> None:
    model(image, None, mode='tensor')


_FORWARD: Dict[str, Callable[[nn.Module, torch.Tensor], None]] = {
    'mmdet': _detect,
    'mmseg': _tensor_mode,
    'mmpose': _pose,
}

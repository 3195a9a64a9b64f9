"""Parameters and operations of a whole model, built from its config.

Nothing is computed and no memory is taken: the model is built on the meta device.
"""

from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Tuple

import torch
from mmengine.config import Config
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..config.data import as_list, datasets_of
from ..config.traverse import kind_of
from ..openmmlab.build import build_model
from ..openmmlab.heads import empty_regions, heads_with_extractors
from ..openmmlab.library import library_of
from .backbone import count_parameters, image_channels

# what mmdet's detectors look at in one image at most, by kind of head
REGIONS = {'bbox': 1000, 'mask': 100}


@dataclass(frozen=True)
class ModelCost:
    """What a model costs for one image.

    Args:
        params: All parameters, those of heads that only training uses among them.
        flops: Multiply-adds of convolutions, linear layers and matrix products in the backbone,
            neck and heads; image preparation, RoIAlign, NMS and heads that only training uses are
            not counted. Two-stage detectors: `REGIONS` for each head.
        size: Height and width of the image, in pixels.
    """

    params: int
    flops: int
    size: Tuple[int, int]


def model_cost(cfg: Config, size: Optional[Tuple[int, int]] = None) -> ModelCost:
    """Parameters and multiply-adds of the model of a config of one of the libraries.

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
        scope: One of the libraries.
        model: In evaluation mode.
        size: Height and width in pixels.
    """
    image = torch.empty(1, image_channels(getattr(model, 'backbone', model)), *size, device='meta')
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        _FORWARD[scope](model, image)
    return counter.get_total_flops() // 2


def usual_size(cfg: Config) -> Tuple[int, int]:
    """Height and width for which the field counts a model's operations.

    Detection 800x1280, segmentation 512x512 (Cityscapes 1024x2048), poses the model's own input,
    classification the crop that is tested, or 224x224.
    """
    if cfg.default_scope == 'mmdet':
        return 800, 1280
    if cfg.default_scope == 'mmpose':
        width, height = cfg.codec['input_size']
        return height, width
    if cfg.default_scope == 'mmpretrain':
        return _tested_crop(cfg)
    return (1024, 2048) if cfg.get('dataset_type') == 'CityscapesDataset' else (512, 512)


def paper_size(cfg: Config) -> Tuple[int, int]:
    """Height and width for which papers print a model's operations.

    Those of `usual_size`, but 512x2048 for UperNet and Semantic FPN on ADE20K: the longest image
    that the resizing of the test gives.
    """
    heads = [kind_of(head) for head in as_list(cfg.model.get('decode_head'))]
    ade20k = cfg.get('dataset_type') == 'ADE20KDataset'
    return (512, 2048) if ade20k and set(heads) & {'UPerHead', 'FPNHead'} else usual_size(cfg)


def _tested_crop(cfg: Config) -> Tuple[int, int]:
    pipelines = [dataset.get('pipeline') or () for dataset in datasets_of(cfg, 'test_dataloader')]
    crops = [step for steps in pipelines for step in steps if kind_of(step) == 'CenterCrop']
    size = crops[0].crop_size if crops else 224
    return (size, size) if isinstance(size, int) else tuple(size)


def _detect(model: Any, image: torch.Tensor) -> None:
    """The model's own tensor mode goes through NMS, for which there must be numbers."""
    if not getattr(model, 'with_roi_head', False):
        model(image, mode='tensor')
        return
    model.rpn_head(model.extract_feat(image))
    for kind, extractor, head in heads_with_extractors(model.roi_head):
        head(empty_regions(REGIONS[kind], extractor, device='meta'))


def _tensor_mode(model: nn.Module, image: torch.Tensor) -> None:
    model(image, mode='tensor')


def _pose(model: nn.Module, image: torch.Tensor) -> None:
    model(image, None, mode='tensor')


_FORWARD: Dict[str, Callable[[nn.Module, torch.Tensor], None]] = {
    'mmdet': _detect,
    'mmseg': _tensor_mode,
    'mmpose': _pose,
    'mmpretrain': _tensor_mode,
}

"""Drawing what ``hybrid_backbones.analysis`` computes, with matplotlib."""

from .attention import draw_attention
from .canvas import save
from .feature_maps import draw_feature_maps
from .grad_cam import draw_branch_cam
from .receptive_fields import FieldPanel, draw_receptive_fields

__all__ = [
    'FieldPanel',
    'draw_attention',
    'draw_branch_cam',
    'draw_feature_maps',
    'draw_receptive_fields',
    'save',
]

"""The node ``hybrid_backbones`` in mmengine's registry tree.

mmengine resolves ``type='hybrid_backbones.UniFormer'`` by importing this module and then the
``locations`` below, whatever the host project's scope is. Hence it must stay cheap to import.
"""

from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import Registry

MODELS = Registry(
    'model',
    parent=ROOT_MODELS,
    scope='hybrid_backbones',
    locations=['hybrid_backbones.backbones'],
)

"""The nodes ``hybrid_backbones`` in mmengine's registry trees.

mmengine resolves ``type='hybrid_backbones.UniFormer'`` by importing this module and then the
``locations`` below, whatever the host project's scope is. Hence it must stay cheap to import.
"""

from mmengine.registry import DATA_SAMPLERS as ROOT_DATA_SAMPLERS
from mmengine.registry import FUNCTIONS as ROOT_FUNCTIONS
from mmengine.registry import HOOKS as ROOT_HOOKS
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as ROOT_OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.registry import OPTIM_WRAPPERS as ROOT_OPTIM_WRAPPERS
from mmengine.registry import STRATEGIES as ROOT_STRATEGIES
from mmengine.registry import TRANSFORMS as ROOT_TRANSFORMS
from mmengine.registry import Registry

SCOPE = 'hybrid_backbones'

MODELS = Registry(
    'model',
    parent=ROOT_MODELS,
    scope=SCOPE,
    locations=['hybrid_backbones.backbones', 'hybrid_backbones.classifiers.image_classifier'],
)
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    'optimizer wrapper constructor',
    parent=ROOT_OPTIM_WRAPPER_CONSTRUCTORS,
    scope=SCOPE,
    locations=['hybrid_backbones.engine.layer_decay'],
)
OPTIM_WRAPPERS = Registry(
    'optimizer wrapper',
    parent=ROOT_OPTIM_WRAPPERS,
    scope=SCOPE,
    locations=['hybrid_backbones.engine.amp'],
)
STRATEGIES = Registry(
    'strategy', parent=ROOT_STRATEGIES, scope=SCOPE, locations=['hybrid_backbones.engine.fsdp']
)
FUNCTIONS = Registry(
    'function', parent=ROOT_FUNCTIONS, scope=SCOPE, locations=['hybrid_backbones.engine.fsdp']
)
HOOKS = Registry(
    'hook',
    parent=ROOT_HOOKS,
    scope=SCOPE,
    locations=['hybrid_backbones.engine.hooks.checkpoint', 'hybrid_backbones.engine.hooks.compile'],
)
TRANSFORMS = Registry(
    'transform',
    parent=ROOT_TRANSFORMS,
    scope=SCOPE,
    locations=['hybrid_backbones.engine.bad_images'],
)
DATA_SAMPLERS = Registry(
    'data sampler',
    parent=ROOT_DATA_SAMPLERS,
    scope=SCOPE,
    locations=['hybrid_backbones.engine.seeded_batches'],
)

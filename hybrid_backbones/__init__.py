"""Hybrid CNN/transformer backbones for MMDetection, MMSegmentation and MMPose.

Nothing heavy is imported here: each name below is imported on first use. In a config,
``type='hybrid_backbones.UniFormer'`` is enough; in Python, begin with :func:`create_backbone`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, List

from .version import __version__

if TYPE_CHECKING:  # what type checkers and editors see; _HOME below is what Python sees
    from .analysis.describe.describe import describe as describe
    from .backbones.base import HybridBackbone as HybridBackbone
    from .backbones.conformer import Conformer as Conformer
    from .backbones.cvt import CvT as CvT
    from .backbones.hrformer import HRFormer as HRFormer
    from .backbones.transxnet import TransXNet as TransXNet
    from .backbones.uniformer import UniFormer as UniFormer
    from .deploy.exporting.export import export as export
    from .deploy.folding.fold import fold as fold
    from .weights.families import PRETRAINED as PRETRAINED
    from .zoo.archs import list_archs as list_archs
    from .zoo.configs import config_path as config_path
    from .zoo.configs import get_config as get_config
    from .zoo.configs import list_configs as list_configs
    from .zoo.create import create_backbone as create_backbone
    from .zoo.create import load_pretrained as load_pretrained
    from .zoo.create_classifier import create_classifier as create_classifier
    from .zoo.names import list_backbones as list_backbones


_HOME = {
    'Conformer': 'backbones.conformer',
    'CvT': 'backbones.cvt',
    'HRFormer': 'backbones.hrformer',
    'HybridBackbone': 'backbones.base',
    'PRETRAINED': 'weights.families',
    'TransXNet': 'backbones.transxnet',
    'UniFormer': 'backbones.uniformer',
    'config_path': 'zoo.configs',
    'create_backbone': 'zoo.create',
    'create_classifier': 'zoo.create_classifier',
    'describe': 'analysis.describe.describe',
    'export': 'deploy.exporting.export',
    'fold': 'deploy.folding.fold',
    'get_config': 'zoo.configs',
    'list_archs': 'zoo.archs',
    'list_backbones': 'zoo.names',
    'list_configs': 'zoo.configs',
    'load_pretrained': 'zoo.create',
}
__all__ = ['__version__', *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f'{__name__}.{_HOME[name]}'), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def __dir__() -> List[str]:
    return sorted(__all__)

"""Hybrid CNN/transformer backbones for MMDetection, MMSegmentation and MMPose.

Nothing heavy is imported here. In a config, ``type='hybrid_backbones.UniFormer'`` is enough;
in Python, ``from hybrid_backbones import UniFormer`` imports the family on first use.
"""

from importlib import import_module

__version__ = '0.1.0'

_HOME = {
    'Conformer': 'hybrid_backbones.backbones.conformer',
    'CvT': 'hybrid_backbones.backbones.cvt',
    'HRFormer': 'hybrid_backbones.backbones.hrformer',
    'HybridBackbone': 'hybrid_backbones.backbones.base',
    'TransXNet': 'hybrid_backbones.backbones.transxnet',
    'UniFormer': 'hybrid_backbones.backbones.uniformer',
    'config_path': 'hybrid_backbones.zoo.configs',
    'get_config': 'hybrid_backbones.zoo.configs',
    'list_archs': 'hybrid_backbones.zoo.archs',
    'list_configs': 'hybrid_backbones.zoo.configs',
}
__all__ = ['__version__', *_HOME]


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def __dir__():
    return sorted(__all__)

"""All configs, and how tests build what they describe."""

import copy
import re
from functools import cache
from pathlib import Path

from mmengine.registry import DefaultScope

from hybrid_backbones.config.load import load_config
from hybrid_backbones.openmmlab import build
from hybrid_backbones.openmmlab.library import import_library

CONFIGS = Path(__file__).parents[2] / 'configs'
CLASSIFIERS = sorted(path.stem for path in CONFIGS.glob('classifier_*.py'))
# of detectors, segmentors and pose estimators
NAMES = sorted(path.stem for path in CONFIGS.glob('*.py') if path.stem not in CLASSIFIERS)

SIZES = ('ti', 't', 'xxs', '13', 'xs', 's', 's32', '21', 'b')  # of backbones, small ones first
# what differs from its family's other variants in more than width and depth
KINDS = dict(s32='patch32', xxs='light', xs='light')
WITH_EACH_KIND = ('maskrcnn',)


def each_recipe():
    """One config for each recipe and kind of backbone: that of the smallest variant.

    What attention a segmentor has differs in the backbone alone: once for each kind of it.
    """
    chosen = {}
    for name in sorted(NAMES, key=lambda name: SIZES.index(name.split('_')[2])):
        head, family, variant, recipe = name.split('_', 3)
        attention = re.match(r'([hw])\d\d_', recipe)
        if attention:
            chosen.setdefault((family, attention[0]), name)
        else:
            kind = KINDS.get(variant) if head in WITH_EACH_KIND else None
            chosen.setdefault((head, family, kind, recipe), name)
    return sorted(chosen.values())


def load(name):
    """The config; tests may change it."""
    return copy.deepcopy(_read(name))


@cache
def _read(name):
    return load_config(str(CONFIGS / f'{name}.py'))


def build_model(cfg):
    """The config's model, by the library that ``default_scope`` names."""
    return build.build_model(copy.deepcopy(cfg))


def use_scope(cfg):
    """As the Runner does, without its warning that another scope was in use."""
    scope = cfg.default_scope
    import_library(scope)
    DefaultScope._instance_dict.clear()
    DefaultScope.get_instance(scope, scope_name=scope)

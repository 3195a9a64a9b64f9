"""All configs, and how tests build what they describe."""

import copy
import importlib
from functools import cache
from pathlib import Path

from mmengine.registry import DefaultScope

from hybrid_backbones.config.load import load_config
from hybrid_backbones.openmmlab.build import build_in_scope

CONFIGS = Path(__file__).parents[2] / 'configs'
NAMES = sorted(path.stem for path in CONFIGS.glob('*.py'))


def load(name):
    """The config; tests may change it."""
    return copy.deepcopy(_read(name))


@cache
def _read(name):
    return load_config(str(CONFIGS / f'{name}.py'))


def build_model(cfg):
    """The config's model, by the library that ``default_scope`` names."""
    return build_in_scope(cfg.default_scope, copy.deepcopy(cfg.model))


def use_scope(cfg):
    """As the Runner does, without its warning that another scope was in use."""
    scope = cfg.default_scope
    importlib.import_module(f'{scope}.utils').register_all_modules(init_default_scope=False)
    DefaultScope._instance_dict.clear()
    DefaultScope.get_instance(scope, scope_name=scope)

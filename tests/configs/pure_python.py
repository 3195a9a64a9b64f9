"""Configs in mmengine's pure-Python style: classes stand where others have names."""

from importlib import import_module
from pathlib import Path
from typing import Any

from mmengine.registry import Registry

from hybrid_backbones.openmmlab.library import in_scope
from tests.configs.common import load


class _Imported:
    """A class, written as the name that it is imported by."""

    def __init__(self, kind: type):
        self.kind = kind

    def __repr__(self) -> str:
        return f'{self.kind.__name__}_of_{self.kind.__module__.replace(".", "_")}'

    @property
    def line(self) -> str:
        return f'from {self.kind.__module__} import {self.kind.__name__} as {self!r}\n'


def write_pure_python(name: str, path: Path) -> Path:
    """Write a built-in config with a class for every type that is one."""
    cfg = load(name)
    found = {}

    def with_classes(node: Any) -> Any:
        if isinstance(node, dict):
            node = {key: with_classes(value) for key, value in node.items() if key != '_scope_'}
            kind = _class_of(cfg.default_scope, node.get('type'))
            return {**node, 'type': found.setdefault(kind, _Imported(kind))} if kind else node
        if isinstance(node, (list, tuple)):
            return type(node)(with_classes(each) for each in node)
        return node

    with in_scope(cfg.default_scope):
        content = with_classes(cfg.to_dict())
    imports = ''.join(each.line for each in found.values())
    path.write_text(
        imports + ''.join(f'{key} = {value!r}\n' for key, value in content.items()),
        encoding='utf-8',
    )
    return path


def _class_of(library: str, name: Any) -> Any:
    if not isinstance(name, str):
        return None
    for registry in vars(import_module(f'{library}.registry')).values():
        if isinstance(registry, Registry) and registry.scope == library:
            kind = registry.get(name)
            if isinstance(kind, type):
                return kind
    return None

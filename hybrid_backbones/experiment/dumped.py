"""Reading the config that mmengine has dumped beside a log, without running it.

A dump holds literals and calls of ``dict`` alone; a config is code, and a work directory may be
anybody's.
"""

import ast
from pathlib import Path
from typing import Any, Dict

from ..errors import ConfigError


def read_dumped(path: Path) -> Dict[str, Any]:
    """The settings of a dumped config; an expression that is no literal is kept as its text.

    Raises:
        ConfigError: It cannot be read as Python.
    """
    try:
        tree = ast.parse(path.read_text(encoding='utf-8'))
    except (OSError, SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f'{path} is no config that mmengine has dumped: {error}') from None
    found: Dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = _value(node.value)
    return found


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict':
        named = {each.arg: _value(each.value) for each in node.keywords if each.arg}
        spread = [_value(each.value) for each in node.keywords if not each.arg]  # **{'a-b': 1}
        for content in spread:
            named.update(content if isinstance(content, dict) else {})
        return named
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return [_value(each) for each in node.elts]
    if isinstance(node, ast.Dict):
        keys = [None if key is None else _value(key) for key in node.keys]
        return {str(key): _value(value) for key, value in zip(keys, node.values)}
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)

"""Putting the stand-in where mmcv looks for its extension, unless a compiled one is there."""

import importlib.util
import logging
import os
import sys
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Dict, List, Optional

from ...errors import ConfigError
from ..announce import announce
from .extension import NAME, OPERATORS, StandIn
from .torchvision_kernels import load as load_torchvision

VARIABLE = 'HYBRID_BACKBONES_OPERATORS'
CHOICES = ('auto', 'torchvision', 'plain')


def install() -> str:
    """Make ``mmcv.ops`` importable.

    The environment variable ``HYBRID_BACKBONES_OPERATORS`` is ``auto`` (the default: what is
    compiled; else torchvision's kernels on a GPU, and plain torch), ``torchvision`` or ``plain``;
    the last two also in the place of compiled operators, for comparisons.

    Returns:
        ``'compiled'``, ``'torchvision'`` or ``'plain'``: the best that serves.

    Raises:
        ConfigError: The variable has another value, or asks for what cannot be had: torchvision's
            kernels where they do not load, or a stand-in after ``mmcv.ops`` has been imported with
            the compiled extension.
    """
    choice = os.environ.get(VARIABLE) or 'auto'
    if choice not in CHOICES:
        raise ConfigError(f'{VARIABLE} must be one of {", ".join(CHOICES)}, got {choice!r}')
    present = sys.modules.get(NAME)
    if isinstance(present, StandIn):
        return _kind(present)
    if choice == 'auto':
        present = present or _load_compiled()
        if present is not None:
            sys.modules[NAME] = present
            return _kind(present)
    elif present is not None and 'mmcv.ops' in sys.modules:
        raise ConfigError(
            f'{VARIABLE}={choice} comes too late: mmcv.ops is already imported with the compiled '
            'extension; import hybrid_backbones.openmmlab.operators before it'
        )
    torchvision = None if choice == 'plain' else load_torchvision()
    if choice == 'torchvision' and torchvision is None:
        raise ConfigError(
            f'{VARIABLE}=torchvision, but torchvision is missing, or its kernels do not fit this '
            'torch; install the torchvision that belongs to it'
        )
    stand_in = StandIn(torchvision is not None, on_cpu=choice == 'torchvision')
    sys.modules[NAME] = stand_in
    if 'mmcv' in sys.modules:  # as an import would have
        vars(sys.modules['mmcv'])['_ext'] = stand_in
    return _kind(stand_in)


def served_by() -> Dict[str, str]:
    """Of each operator of ``mmcv.ops``, whether it is compiled, torchvision's or plain torch."""
    install()
    present = sys.modules[NAME]
    if isinstance(present, StandIn):
        return dict(present.served)
    return dict.fromkeys(OPERATORS, 'compiled')


def describe_operators() -> str:
    """One line for a log: by what ``mmcv.ops`` is served."""
    install()
    present = sys.modules[NAME]
    if not isinstance(present, StandIn):
        return f'mmcv.ops is served by what is compiled, {getattr(present, "__file__", NAME)}'
    by: Dict[str, List[str]] = {'torchvision': [], 'plain': []}
    for name, who in present.served.items():
        by[who].append(name)
    parts = [f'plain torch ({", ".join(by["plain"])})']
    if by['torchvision']:
        where = '' if present.on_cpu else ' on a GPU'
        names = ', '.join(by['torchvision'])
        parts.insert(0, f'torchvision {load_torchvision()}{where} ({names})')
    return f'mmcv.ops is served without compiling, by {" and ".join(parts)}'


def _kind(module: ModuleType) -> str:
    if not isinstance(module, StandIn):
        return 'compiled'
    return 'torchvision' if 'torchvision' in module.served.values() else 'plain'


def _load_compiled() -> Optional[ModuleType]:
    """mmcv's own extension, if there is one and this torch can load it."""
    mmcv = importlib.util.find_spec('mmcv')
    spec = mmcv and PathFinder.find_spec(NAME, mmcv.submodule_search_locations)
    if not spec or not spec.loader:
        return None
    try:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError as error:
        announce(
            f'the compiled operators of mmcv do not fit this torch ({str(error).splitlines()[0]}); '
            'they are served without',
            logging.WARNING,
        )
        return None
    return module

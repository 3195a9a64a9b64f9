"""The names of a backbone's options."""

from difflib import get_close_matches
from inspect import Parameter, signature
from typing import Any, Iterable, List

from ..errors import ConfigError

OTHERS = {  # of the backbones that configs had before
    'depth': 'arch',
    'pretrained': 'init_cfg',
    'norm_cfg': 'norm_eval',
    'use_checkpoint': 'with_cp',
    'in_chans': 'in_channels',
}


def check_options(kind: type, options: Iterable[str]) -> None:
    """See that a class takes options of these names.

    Raises:
        ConfigError: It does not; names those that it takes, and what may be why.
    """
    known = _names(kind)
    unknown = [name for name in options if name not in known]
    if not known or not unknown:
        return
    close = [
        name
        for name in [OTHERS.get(unknown[0], ''), *get_close_matches(unknown[0], known, n=1)]
        if name in known
    ]
    hint = f', {close[0]} perhaps' if close else ''
    raise ConfigError(
        f'{kind.__name__} has no option {", ".join(map(repr, unknown))}{hint}; it has '
        f'{", ".join(known)}. In a config that inherits another backbone, _delete_=True removes '
        "that one's options"
    )


def _names(kind: Any) -> List[str]:
    """Of ``__init__``; empty where it takes any."""
    parameters = [*signature(kind.__init__).parameters.values()][1:]
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        return []
    return [parameter.name for parameter in parameters]

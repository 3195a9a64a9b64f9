"""Where a network runs."""

from typing import Optional

import torch

from ..errors import ConfigError


def check_device(name: Optional[str]) -> None:
    """See that a device is here; None is whatever there is.

    Raises:
        ConfigError: It is not, or is none.
    """
    if name is None:
        return
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f'`device` must be cpu, cuda or cuda:1, not {name!r}') from None
    if device.type == 'cuda' and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f'`device={name}`: torch sees {torch.cuda.device_count() or "no"} GPUs here'
        )


def device_of(name: Optional[str]) -> torch.device:
    """The device of a name; None: a GPU if there is one.

    Raises:
        ConfigError: See :func:`check_device`.
    """
    check_device(name)
    return torch.device(name or ('cuda' if torch.cuda.is_available() else 'cpu'))

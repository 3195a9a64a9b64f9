"""Building a backbone by its name."""

import inspect
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Tuple, Type, Union

import torch

from ..backbones.base import HybridBackbone
from ..backbones.families import families, is_builtin_type
from ..errors import ConfigError, as_config_error
from ..weights import LoadResult, find_best
from .configs import is_config, read_config
from .names import resolve

RANDOM = 'random weights'


def create_backbone(
    name: str, pretrained: Union[bool, str, 'os.PathLike[str]'] = False, **options: Any
) -> HybridBackbone:
    """Build a backbone, with random or pretrained weights.

    Args:
        name: One of :func:`hybrid_backbones.list_backbones`, such as ``uniformer_small``; or the
            short form that configs use, such as ``uniformer_s``. The name or path of a config
            stands for the config's backbone, with all its arguments but the weights.
        pretrained: False: random weights. True: the published file with the highest ImageNet
            accuracy out of those that can be fetched directly; torch's cache keeps it. A path or
            URL: that file. It may be any that the authors, OpenMMLab or Hugging Face published
            for the backbone, or the checkpoint of a whole model trained with it.
        options: Other arguments of the backbone's class, such as ``out_indices`` or
            ``drop_path_rate``.

    Returns:
        The backbone, in training mode as PyTorch builds modules.

    Raises:
        ConfigError: There is no such backbone, or it does not take an option or its value; the
            message lists what there is. It is a ``ValueError``.
        CheckpointError: The weights cannot be fetched or read, or are of another backbone. It is
            a ``ValueError``.

    Example:
        >>> import hybrid_backbones
        >>> backbone = hybrid_backbones.create_backbone('uniformer_xxs', out_indices=(1, 2, 3))
        >>> backbone.out_channels, backbone.out_strides
        ((112, 224, 448), (8, 16, 32))
    """
    kind, arguments = find_backbone(name)
    family = families()[kind]
    check_options(family, options)
    arguments.update(options)
    source = find_weights(kind, arguments['arch'], pretrained)
    with as_config_error('', (TypeError, ValueError)):
        backbone = family(**arguments)
    if source is not None:
        backbone.load_pretrained(source)
    return backbone


def load_pretrained(
    backbone: HybridBackbone,
    source: Union[str, 'os.PathLike[str]'],
    prefix: Optional[str] = None,
) -> LoadResult:
    """Load weights into a backbone, all that fit or none. The log says what was loaded.

    Args:
        backbone: Any of this package's.
        source: Path or URL of a file that the authors, OpenMMLab or Hugging Face published for
            the backbone, or of the checkpoint of a whole model trained with it.
        prefix: What stands before the backbone's names in the file, such as ``'backbone.'``;
            None: found by itself.

    Returns:
        What was loaded and what was not, on purpose.

    Raises:
        TypeError: ``backbone`` is none of this package's.
        CheckpointError: The file cannot be fetched or read, or is of another backbone. It is a
            ``ValueError``.

    Example:
        >>> from hybrid_backbones import create_backbone, load_pretrained
        >>> backbone = create_backbone('uniformer_xxs')
        >>> load_pretrained(backbone, 'uniformer_xxs_224.pth')  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        hybrid_backbones.errors.CheckpointMissingError: no checkpoint file uniformer_xxs_224.pth...
    """
    if not isinstance(backbone, HybridBackbone):
        raise TypeError(
            'load_pretrained takes a backbone of this package; for a whole '
            f'model pass its .backbone; got a {type(backbone).__name__}'
        )
    return backbone.load_pretrained(source, prefix)


class LoadedBackbone(NamedTuple):
    """A backbone ready to be looked at.

    Args:
        backbone: In eval mode.
        name: What to call it: its name as it was asked for, or the config's name.
        weights: Name of the file, or ``RANDOM``.
    """

    backbone: HybridBackbone
    name: str
    weights: str


def load_backbone(
    name: str, weights: Optional[str] = None, options: Optional[Dict[str, Any]] = None
) -> LoadedBackbone:
    """Build a backbone in eval mode; without ``weights``, with the same random ones in each call.

    Args:
        name: As :func:`create_backbone` takes it.
        weights: File or URL, or None.
        options: Other arguments of the backbone.

    Raises:
        ConfigError: See :func:`create_backbone`.
        CheckpointError: See :func:`create_backbone`.
    """
    torch.manual_seed(0)
    options = {'with_cp': False, **(options or {})}
    backbone = create_backbone(name, False if weights is None else weights, **options)
    label = Path(name).stem if is_config(name) else name
    return LoadedBackbone(backbone.eval(), label, Path(weights).name if weights else RANDOM)


def find_backbone(name: str) -> Tuple[str, Dict[str, Any]]:
    """Class name and arguments of the backbone that a name, an alias or a config stands for.

    Raises:
        ConfigError: There is no such backbone or config, or the config's backbone is another's.
    """
    if not is_config(name):
        family, arch, options = resolve(name)
        return family, dict(options, arch=arch)
    backbone: Any = (read_config(name).get('model') or {}).get('backbone') or {}
    kind = str(backbone.get('type'))
    family = kind.rpartition('hybrid_backbones.')[2]
    if not is_builtin_type(kind):
        raise ConfigError(f'{name}: its backbone is {kind}, none of hybrid_backbones')
    arguments = backbone.to_dict()
    for key in ('type', 'init_cfg'):
        arguments.pop(key, None)
    default = inspect.signature(families()[family]).parameters['arch'].default
    return family, {'arch': default, **arguments}


def find_weights(
    family: str, arch: Any, pretrained: Union[bool, str, 'os.PathLike[str]']
) -> Optional[str]:
    """The path or URL that ``pretrained`` of :func:`create_backbone` stands for, or None."""
    if pretrained is False:
        return None
    if pretrained is True:
        return find_best(family, arch)
    if isinstance(pretrained, (str, os.PathLike)) and os.fspath(pretrained):
        return os.fspath(pretrained)
    raise ConfigError(
        f'pretrained must be True, False, or the path or URL of a checkpoint, got {pretrained!r}'
    )


def check_options(family: Type[HybridBackbone], options: Dict[str, Any]) -> None:
    """Refuse what the constructor does not take; ``pretrained`` stands for ``init_cfg``."""
    known = [key for key in inspect.signature(family).parameters if key != 'init_cfg']
    for option in options:
        if option not in known:
            close = get_close_matches(option, known, n=3)
            hint = f'close: {", ".join(close)}; ' if close else ''
            raise ConfigError(
                f'{family.__name__} has no option {option!r}; {hint}it takes {", ".join(known)}'
            )

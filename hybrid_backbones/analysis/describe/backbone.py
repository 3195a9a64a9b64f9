"""Everything that is known about a backbone, under its name."""

import inspect
import re
from dataclasses import asdict
from typing import Any, Dict, List, Optional, Tuple

import torch

from ...backbones import families
from ...complexity.backbone import count_parameters
from ...complexity.parts import describe_parts
from ...weights import published_files
from ...zoo.configs import list_configs, list_models
from ...zoo.names import resolve, short_config, short_names


def describe_backbone(name: str, size: Tuple[int, int] = (800, 1280)) -> Dict[str, Any]:
    """What a backbone is, costs and was published with, and the built-in configs that use it.

    No weight is drawn or read.

    Args:
        name: Such as ``uniformer_small``, or an alias as configs use it (``uniformer_s``).
        size: Height and width of the image that operations are counted for, in pixels.

    Returns:
        Numbers, strings, lists and dicts that JSON can hold. ``flops`` are multiply-adds.

    Raises:
        ConfigError: There is no such backbone.
    """
    found = resolve(name)
    family = families()[found.family]
    with torch.device('meta'):
        backbone = family(found.arch, **found.options).eval()
    parts = describe_parts(backbone, *size)
    short, begins_with = _short_name(found.family, found.arch)
    return dict(
        kind='backbone',
        name=found.name,
        type=f'hybrid_backbones.{found.family}',
        arch=found.arch,
        short_name=short,
        **_words_about(family),
        size=list(size),
        params=count_parameters(backbone),
        flops=sum(part.flops for part in parts),
        levels=[
            dict(
                level=index,
                channels=channels,
                stride=stride,
                size=[-(-side // stride) for side in size],
            )
            for index, channels, stride in zip(
                backbone.out_indices, backbone.out_channels, backbone.out_strides
            )
        ],
        parts=[asdict(part) for part in parts],
        weights=_weights(found.family, found.arch, begins_with),
        configs=_configs(short),
    )


def _short_name(family: str, arch: str) -> Tuple[Optional[str], str]:
    """Its name in the built-in configs, None if it has none, and the weights they begin with."""
    for name in short_names():
        known = short_config(name)
        if (known['type'], known['arch']) == (f'hybrid_backbones.{family}', arch):
            return name, (known.get('init_cfg') or {}).get('checkpoint', '')
    return None, ''


def _words_about(family: type) -> Dict[str, Optional[str]]:
    """Title and address of the paper (None: there is none), and what the class says of itself."""
    about = inspect.getdoc(inspect.getmodule(family)) or ''
    notes = (inspect.getdoc(family) or '').partition('\n\nArgs:')[0]
    paper = re.search(r'https?://[^\s]+(?<!\.)', about)
    return dict(
        title=about.partition('\n')[0].rstrip('.'),
        paper=paper[0] if paper else None,
        notes=notes,
    )


def _weights(family: str, arch: str, begins_with: str) -> List[Dict[str, Any]]:
    """The published files, best first."""
    return [
        dict(asdict(file), in_configs=begins_with in (file.url, f'pretrained/{file.file}'))
        for file in published_files(family, arch)
    ]


def _configs(short: Optional[str]) -> List[Dict[str, Any]]:
    if short is None:
        return []
    models = {model['Name']: model for model in list_models()}
    return [
        dict(name=name, published=metrics(models.get(name, {})))
        for name in list_configs()
        if f'_{short}_' in name
    ]


def metrics(model: Dict[str, Any]) -> Dict[str, float]:
    """What a metafile says that the authors reached with a config, in percent."""
    return {k: v for result in model.get('Results', []) for k, v in result['Metrics'].items()}

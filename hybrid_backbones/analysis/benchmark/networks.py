"""The networks whose speed can be measured, by name: backbones, whole models, and others."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Callable, Dict, List, Optional, Sequence

from torch import Tensor, nn

from ...backbones.families import is_builtin_type
from ...complexity.backbone import count_flops, image_channels
from ...complexity.model import model_cost
from ...config.load import override
from ...deploy.exporting.of_images import flatten
from ...errors import ConfigError, as_config_error
from ...openmmlab.build import build_in_scope, build_model
from ...openmmlab.library import library_of, prepare_libraries
from ...zoo.configs import is_config, list_configs, read_config
from ...zoo.create import create_backbone
from ...zoo.names import list_backbones, short_names
from .families import PEERS


@dataclass
class Network:
    """A network to measure.

    Args:
        module: Takes images ``(N, in_channels, H, W)``, returns tensors in tuples, lists or dicts.
        flops: Multiply-adds of the forward pass for one image of a height and width.
        holder: The module whose attribute ``backbone`` is built-in; None if nothing is.
        in_channels: Of the images.
    """

    module: nn.Module
    flops: Callable[[int, int], int]
    holder: Optional[nn.Module] = None
    in_channels: int = 3


class Bare(nn.Module):
    """A backbone alone, held as a model holds its own, so that both can be changed alike."""

    def __init__(self, backbone: nn.Module):
        super().__init__()
        self.backbone = backbone

    def forward(self, x: Tensor) -> Any:
        """What the backbone returns."""
        return self.backbone(x)


class Whole(nn.Module):
    """A model of MMDetection, MMSegmentation or MMPose in its tensor mode.

    A two-stage detector looks at the regions that its random weights propose: at most, and
    mostly, as many as :func:`model_cost` counts operations for.
    """

    def __init__(self, model: nn.Module, scope: str):
        super().__init__()
        self.model = model
        self.scope = scope

    def forward(self, x: Tensor) -> Any:
        """What backbone, neck and heads return; two-stage detectors go through their NMS."""
        return self.model(x, self._samples(x), mode='tensor')

    def _samples(self, x: Tensor) -> Optional[List[Any]]:
        if self.scope != 'mmdet':
            return None
        from mmdet.structures import DetDataSample

        return [DetDataSample(metainfo=dict(img_shape=tuple(x.shape[2:]))) for _ in x]


def matching(specs: Sequence[str]) -> List[str]:
    """Networks by name, with patterns such as ``cvt_*`` replaced by the backbones that match.

    Raises:
        ConfigError: None matches.
    """
    found: List[str] = []
    for spec in specs:
        if '*' not in spec:
            found.append(spec)
            continue
        names = list_backbones(spec)
        if not names:
            raise ConfigError(f'no backbone matches {spec!r}; `hybrid-backbones list` names all')
        found += names
    return found


def build_network(spec: str, options: Optional[Dict[str, Any]] = None) -> Network:
    """Build a network with random weights.

    Args:
        spec: A built-in backbone, such as ``uniformer_small``; a config's name or path;
            ``resnet50``, which is MMDetection's; or ``PACKAGE:NAME`` out of ``PEERS``.
        options: Arguments of a built-in backbone; settings of a config by dotted keys.

    Raises:
        ConfigError: There is no such network, it does not take the options, or the package of a
            peer is not installed.
        ImportError: The library that the network is from is not installed.
    """
    if is_config(spec):
        return _whole(spec, options)
    if spec in (*list_backbones(), *short_names()):
        backbone = create_backbone(spec, **(options or {}))
        held = Bare(backbone)
        return Network(
            held,
            lambda height, width: count_flops(held.backbone, height, width),
            held,
            backbone.in_channels,
        )
    if options:
        raise ConfigError(f'{spec} takes no options: they are for built-in backbones and configs')
    # held, because the train() of some of OpenMMLab's returns nothing
    theirs = Bare(_resnet50() if spec == 'resnet50' else _other(_peer(spec), spec))
    return Network(theirs, lambda height, width: count_flops(theirs, height, width))


def _whole(spec: str, options: Optional[Dict[str, Any]]) -> Network:
    cfg = read_config(spec)
    override(cfg, options)
    library = library_of(cfg, spec)
    model = build_model(cfg, spec)
    built_in = is_builtin_type((cfg.model.get('backbone') or {}).get('type'))
    return Network(
        Whole(model, library),
        lambda height, width: model_cost(cfg, (height, width)).flops,
        model if built_in else None,
        image_channels(getattr(model, 'backbone', model)),
    )


def _other(build: Callable[[], nn.Module], spec: str) -> nn.Module:
    """Call a builder that imports a package which may be missing."""
    prepare_libraries()  # other packages than the three libraries import it too
    with as_config_error(f'{spec} needs a package that is not installed', ImportError):
        return build()


def _resnet50() -> nn.Module:
    return build_in_scope('mmdet', dict(type='ResNet', depth=50))


def _peer(spec: str) -> Callable[[], nn.Module]:
    if spec in PEERS:
        return PEERS[spec]
    known = ['resnet50', *PEERS, *list_backbones(), *short_names(), *list_configs()]
    close = get_close_matches(spec, known, n=3)
    hint = f'close: {", ".join(close)}' if close else 'a backbone, resnet50 or a config'
    raise ConfigError(f'no network {spec!r}; {hint}')


def package_of(spec: str) -> str:
    """Of ``PACKAGE:NAME``, as :func:`build_network` takes it; empty for what has none."""
    package, separator, _ = spec.partition(':')
    return package if separator else ''


def tensors(output: Any) -> List[Tensor]:
    """All tensors in tuples, lists and dicts, one in another."""
    return list(flatten(output))

"""The contract of a backbone: what every family here promises to a detector or a segmentor."""

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from typing import Any, ClassVar, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import torch
from mmengine.logging import print_log
from mmengine.model import BaseModule
from mmengine.model.weight_init import update_init_info
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import CheckpointMissingError
from ..layers import to_nchw, to_preferred_format
from ..weights import Checkpoint, LoadResult, read_pretrained
from .images import MIN_SIZE
from .init_cfg import split_init_cfg
from .levels import Level
from .options import check_options

NUM_LEVELS = 4


class HybridBackbone(BaseModule):
    """Base of all families: ``(N, in_channels, H, W)`` in, a tuple of feature maps out.

    Level ``i`` (0 to 3: c2 to c5) has stride ``4 * 2**i``; its map is
    ``(N, C_i, ceil(H / stride), ceil(W / stride))`` for every H and W of at least 32 pixels.

    A family sets ``archs`` (name to frozen dataclass), builds ``stem`` and ``stages`` (only as many
    as ``out_indices`` needs) and ``out_channels``, calls ``self.train()`` last in its constructor,
    and implements :meth:`forward_features`. The first convolution in ``stem``, and nothing else,
    sees the image.

    Args:
        arch: Name of an architecture of the family, or its fields as a dict or dataclass.
        out_indices: Levels to return, rising.
        frozen_stages: -1 freezes nothing, 0 the stem, k the stem and the first k stages. Norms on
            the outputs are no part of a stage and stay trainable: published ImageNet files do not
            hold them.
        norm_eval: Keep the running statistics of every BatchNorm as they are.
        with_cp: Recompute the blocks' activations in the backward pass to save memory: True for
            all of them, or how many of the first blocks of each stage.
        init_cfg: As in mmengine. ``dict(type='Pretrained', checkpoint=FILE_OR_URL)`` takes the
            authors' file as they published it (see ``hybrid_backbones.weights``).
        in_channels: Of the images. Weights for colour images are adapted when they are loaded
            (see ``hybrid_backbones.weights.channels``).

    Attributes:
        out_channels: Channels of each returned map.
        out_strides: Stride of each returned map, in pixels of the input.

    Raises:
        ValueError: An argument has a value that is not allowed; the message lists what is.
    """

    archs: ClassVar[Dict[str, Any]] = {}
    # how names begin that the family's ImageNet files do not have
    keys_not_in_pretrained: ClassVar[Tuple[str, ...]] = ('out_norms.',)
    # patterns of names that a backbone may be built without, whatever a file has
    optional_keys: ClassVar[Tuple[str, ...]] = ()

    # what FSDP gathers one by one: the classes of the family's blocks
    block_types: ClassVar[Tuple[type, ...]] = ()
    # those blocks that return the map of a CNN branch and the tokens of a transformer branch, a
    # class token and then patches of ``arch.patch`` pixels
    two_branch_blocks: ClassVar[Tuple[type, ...]] = ()
    # levels that the published ImageNet files have weights for
    pretrained_levels: ClassVar[Tuple[int, ...]] = (0, 1, 2, 3)
    # whether every level, the finest too, has been through the whole depth of the network
    parallel_streams: ClassVar[bool] = False
    # images that a device needs at once in training, unless norms are fixed or shared
    min_images_per_device: ClassVar[int] = 1
    # how names of parameters begin that are a layer of their own before a stage's blocks, for
    # layer-wise learning rate decay
    layers_before_blocks: ClassVar[Tuple[str, ...]] = ()

    # whether levels are returned in the order (N, C, H, W) in memory, or as the blocks leave them
    contiguous_levels: bool = True

    out_norms: nn.ModuleDict  # of families that have norms on the outputs
    is_init: bool  # mmengine's: whether init_weights has been called

    def __new__(cls, *args: Any, **options: Any) -> 'HybridBackbone':
        """Refuse options that there are not, before Python does.

        Raises:
            ConfigError: Says which there are.
        """
        check_options(cls, options)
        return super().__new__(cls)

    def __init__(
        self,
        arch: Union[str, Dict[str, Any], Any],
        out_indices: Union[int, Sequence[int]] = (0, 1, 2, 3),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: Union[bool, Sequence[int]] = False,
        init_cfg: Optional[Dict[str, Any]] = None,
        in_channels: int = 3,
    ):
        super().__init__(init_cfg)
        self.arch = self.resolve_arch(arch)
        self.out_indices = _check_out_indices(out_indices)
        if type(frozen_stages) is not int or not -1 <= frozen_stages <= NUM_LEVELS:
            raise ValueError(
                f'frozen_stages must be an int from -1 to {NUM_LEVELS}, got {frozen_stages!r}'
            )
        if type(in_channels) is not int or in_channels < 1:
            raise ValueError(f'in_channels must be a positive int, got {in_channels!r}')
        self.in_channels = in_channels
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.with_cp = _check_with_cp(with_cp)
        self.out_strides = tuple(4 * 2**i for i in self.out_indices)
        self.out_channels: Tuple[int, ...] = ()

    @classmethod
    def resolve_arch(cls, arch: Union[str, Dict[str, Any], Any]) -> Any:
        """The family's dataclass for a name, or for a dict or dataclass of the same fields."""
        if isinstance(arch, str):
            if arch not in cls.archs:
                known = ', '.join(cls.archs)
                raise ValueError(f'{cls.__name__} has no arch {arch!r}; it has {known}')
            return cls.archs[arch]
        example = next(iter(cls.archs.values()))
        if is_dataclass(arch) and not isinstance(arch, type):
            arch = asdict(arch)
        if not isinstance(arch, Mapping):
            raise ValueError(f'arch must be a name, a dict or a dataclass, got {arch!r}')
        names = [f.name for f in fields(example)]
        unknown = sorted(set(arch) - set(names))
        missing = sorted(f.name for f in fields(example) if _is_required(f) and f.name not in arch)
        if unknown or missing:
            raise ValueError(
                f'an arch of {cls.__name__} has the fields {", ".join(names)}; '
                f'unknown: {", ".join(unknown) or "none"}; missing: {", ".join(missing) or "none"}'
            )
        values = {k: tuple(v) if isinstance(v, (list, tuple)) else v for k, v in arch.items()}
        return type(example)(**values)

    @property
    def num_stages(self) -> int:
        """How many stages ``out_indices`` makes necessary."""
        return max(self.out_indices) + 1

    @property
    def out_levels(self) -> Tuple[Level, ...]:
        """Channels and stride of each returned map."""
        return tuple(Level(c, s) for c, s in zip(self.out_channels, self.out_strides))

    @property
    def feature_info(self) -> List[Dict[str, Any]]:
        """The returned maps as timm describes those of its models.

        Of each map ``num_chs``, its channels; ``reduction``, its stride in pixels; ``module``, the
        name of the module whose output it is; ``index``, its level, one of ``out_indices``.
        """
        return [
            dict(num_chs=c, reduction=s, module=self.module_of_level(i), index=i)
            for i, c, s in zip(self.out_indices, self.out_channels, self.out_strides)
        ]

    def module_of_level(self, index: int) -> str:
        """Name of the module whose output level ``index`` is: its norm, or else its stage."""
        norms = getattr(self, 'out_norms', {})
        return f'out_norms.{index}' if str(index) in norms else f'stages.{index}'

    def forward(self, x: Tensor) -> Tuple[Tensor, ...]:
        """Feature maps of the levels ``out_indices``, contiguous if ``contiguous_levels``.

        Args:
            x: Images ``(N, in_channels, H, W)``, H and W at least 32.

        Raises:
            ValueError: The input has another shape.
        """
        # contiguous: mmcv's RoIAlign takes any memory for NCHW, and a neck keeps what it is given
        return self._as_levels(self.forward_features(self._as_input(x)))

    def forward_with_token(self, x: Tensor) -> Tuple[Tuple[Tensor, ...], Optional[Tensor]]:
        """As :meth:`forward`, and the class token, for a classifier.

        Returns:
            The levels, and the token ``(N, C)`` as the last stage leaves it, before any norm; None
            where the network has none.
        """
        levels, token = self.features_and_token(self._as_input(x))
        return self._as_levels(levels), token

    def _as_levels(self, levels: Tuple[Tensor, ...]) -> Tuple[Tensor, ...]:
        return tuple(map(to_nchw, levels)) if self.contiguous_levels else tuple(levels)

    def forward_features(self, x: Tensor) -> Tuple[Tensor, ...]:
        """What the family computes; ``x`` has been checked."""
        raise NotImplementedError

    def features_and_token(self, x: Tensor) -> Tuple[Tuple[Tensor, ...], Optional[Tensor]]:
        """:meth:`forward_features`, and the class token ``(N, C)`` of a family that has one."""
        return self.forward_features(x), None

    def _as_input(self, x: Tensor) -> Tensor:
        channels, sides = x.shape[1:2], x.shape[2:]
        if x.dim() != 4 or channels != (self.in_channels,) or min(sides) < MIN_SIZE:
            raise ValueError(
                f'{type(self).__name__} takes images (N, {self.in_channels}, H, W) with H and W of '
                f'at least {MIN_SIZE}, got {tuple(x.shape)}'
            )
        return to_preferred_format(x)

    def remove_out_norms(self) -> None:
        """Return the levels as the stages leave them: a classifier has a norm of its own."""
        if len(getattr(self, 'out_norms', ())):
            self.out_norms = nn.ModuleDict()

    def normalise_level(self, index: int, x: Tensor) -> Tensor:
        """Level ``index`` after its norm, if it has one."""
        return self.out_norms[str(index)](x) if str(index) in self.out_norms else x

    def num_checkpointed(self, stage: int) -> int:
        """How many of a stage's first blocks ``with_cp`` asks to checkpoint, or a large number."""
        if isinstance(self.with_cp, bool):
            return sys.maxsize if self.with_cp else 0
        return self.with_cp[stage]

    def train(self, mode: bool = True) -> 'HybridBackbone':
        """Set the mode; frozen parts and, with ``norm_eval``, BatchNorms stay in eval mode."""
        super().train(mode)
        frozen = [self.stem, *self.stages][: self.frozen_stages + 1]
        for module in frozen:
            module.eval()
            module.requires_grad_(False)
        if self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def init_weights(self) -> None:
        """Load the weights that ``init_cfg`` names; otherwise keep those drawn at construction.

        Raises:
            CheckpointError: The file is missing, unreadable, or of another family or variant; it
                is a ``ValueError``, and nothing has been loaded.
        """
        pretrained, others = split_init_cfg(self.init_cfg)
        if pretrained is None:
            super().init_weights()
            return
        if self.is_init:
            return
        if others:
            self.init_cfg: Any = others
            super().init_weights()
        try:
            self.load_pretrained(
                pretrained.get('checkpoint'),  # type: ignore[arg-type]
                pretrained.get('prefix'),
            )
        except CheckpointMissingError as error:
            raise CheckpointMissingError(
                f'{error}; or start from random weights (in a config: model.backbone.init_cfg=None)'
            ) from None
        self.is_init = True

    def load_pretrained(
        self, source: Union[str, 'os.PathLike[str]'], prefix: Optional[str] = None
    ) -> LoadResult:
        """See :func:`hybrid_backbones.load_pretrained`."""
        found = self.find_pretrained(source, prefix)
        print_log(str(found), logger='current')
        self.take_pretrained(found)
        return found

    def find_pretrained(
        self,
        source: Union[str, 'os.PathLike[str]', Checkpoint],
        prefix: Optional[str] = None,
    ) -> LoadResult:
        """What :meth:`load_pretrained` would load; nothing is loaded yet."""
        return read_pretrained(
            source,
            family=type(self).__name__,
            expected={name: tuple(value.shape) for name, value in self.state_dict().items()},
            variants=self._shapes_of_archs,
            prefix=prefix,
            keys_not_in_pretrained=self.keys_not_in_pretrained,
            optional_keys=self.optional_keys,
            resize_pretrained=self.resize_pretrained,
            image_weight=self.image_weight,
        )

    def take_pretrained(self, found: LoadResult) -> None:
        """Load what :meth:`find_pretrained` has found, and warn of what may be wrong with it."""
        self.load_state_dict(found.state, strict=False)
        for warning in self.check_loaded(found):
            print_log(warning, logger='current', level=logging.WARNING)
        if hasattr(self, '_params_init_info'):  # mmengine logs where each parameter came from
            update_init_info(self, init_info=f'loaded from {found.file}')

    def resize_pretrained(self, name: str, value: Tensor) -> Tensor:
        """A weight from a file, resized where its size depends on an option of the backbone."""
        return value

    def check_loaded(self, found: LoadResult) -> List[str]:
        """Warnings about weights that fit by shape but may still be the wrong ones."""
        return []

    @property
    def image_weight(self) -> str:
        """Name of the one weight that sees the image: the first convolution's in ``stem``."""
        convs = (n for n, m in self.stem.named_modules(prefix='stem') if isinstance(m, nn.Conv2d))
        return f'{next(convs)}.weight'

    def _shapes_of_archs(self) -> Iterator[Tuple[str, Dict[str, Tuple[int, ...]]]]:
        """Name and state-dict shapes of every arch, without drawing a single weight."""
        for name in self.archs:
            with torch.device('meta'):
                state = type(self)(name, in_channels=self.in_channels).state_dict()
            yield name, {key: tuple(value.shape) for key, value in state.items()}


def _is_required(field: 'Field[Any]') -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _check_out_indices(out_indices: Union[int, Sequence[int]]) -> Tuple[int, ...]:
    given = out_indices
    if isinstance(out_indices, int):
        out_indices = (out_indices,)
    levels = range(NUM_LEVELS)
    if (
        not isinstance(out_indices, (list, tuple))
        or not out_indices
        or any(type(i) is not int or i not in levels for i in out_indices)
        or list(out_indices) != sorted(set(out_indices))
    ):
        raise ValueError(f'out_indices must be rising levels out of {tuple(levels)}, got {given!r}')
    return tuple(out_indices)


def _check_with_cp(with_cp: Union[bool, Sequence[int]]) -> Union[bool, Tuple[int, ...]]:
    if isinstance(with_cp, bool):
        return with_cp
    if (
        not isinstance(with_cp, (list, tuple))
        or len(with_cp) != NUM_LEVELS
        or any(type(n) is not int or n < 0 for n in with_cp)
    ):
        raise ValueError(
            f'with_cp must be a bool, or how many of the first blocks of each of the {NUM_LEVELS} '
            f'stages to checkpoint, got {with_cp!r}'
        )
    return tuple(with_cp)

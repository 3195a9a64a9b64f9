"""What one measurement of speed is about, and the network made ready for it."""

import os
from dataclasses import dataclass, field, fields, replace
from typing import Any, Dict, Optional, Tuple

import torch
from torch import Tensor, nn

from ...backbones.images import MIN_SIZE
from ...errors import ConfigError
from ...openmmlab.channels_last import to_channels_last
from .autocast import Autocast, autocast_dtype_of
from .networks import Network, Whole, build_network
from .runtimes import RUNTIMES, check_runtime, make_runtime

MODES = ('eager', 'folded', 'compiled', 'folded+compiled', *RUNTIMES)
WHATS = ('inference', 'training')
DTYPES = ('float32', 'bfloat16', 'float16')
MEMORY_FORMATS = {'contiguous': torch.contiguous_format, 'channels_last': torch.channels_last}


@dataclass(frozen=True)
class Settings:
    """One measurement.

    Args:
        network: What is measured, as :func:`build_network` takes it.
        options: Its options.
        size: Height and width of the images, in pixels.
        batch: Images at a time.
        dtype: Of weights and images; with ``amp`` what autocast casts to, where float32 stands
            for the device's default.
        amp: Autocast over weights in float32, as ``test --amp`` and ``train --amp`` have it.
        threads: Of torch; all cores by default.
        memory_format: Of weights and images.
        mode: How the network is run. It may be folded for inference, neck and heads too; of what
            is compiled, only the backbone is. Or the runtime that the network, its backbone
            folded, is exported to: whole segmentors and pose estimators, too.
        what: ``'inference'``, or ``'training'``: forward, sum of the mean squares of all that
            comes out, backward.
        device: ``'cpu'`` or ``'cuda'``.
        against: The network to compare with, if any; eager and contiguous, else the same.
        against_options: Its options.
        repeats: Calls that are timed.
        warmup: Calls before, which are not.
        limit: Seconds of timed calls after which no other turn begins, of all that is timed in
            turns together; two turns are timed at least. None: all ``repeats``.
        memory: Whether to measure peak memory too, which takes another process.
    """

    network: str
    options: Dict[str, Any] = field(default_factory=dict)
    size: Tuple[int, int] = (800, 1280)
    batch: int = 1
    dtype: str = 'float32'
    amp: bool = False
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    memory_format: str = 'contiguous'
    mode: str = 'eager'
    what: str = 'inference'
    device: str = 'cpu'
    against: Optional[str] = None
    against_options: Dict[str, Any] = field(default_factory=dict)
    repeats: int = 5
    warmup: int = 1
    limit: Optional[float] = None
    memory: bool = True

    def of_reference(self) -> 'Settings':
        """The same for the network to compare with.

        Raises:
            ValueError: There is none.
        """
        if self.against is None:
            raise ValueError('there is no network to compare with')
        return replace(
            self,
            network=self.against,
            options=self.against_options,
            memory_format='contiguous',
            mode='eager',
            against=None,
            against_options={},
        )


def from_dict(values: Dict[str, Any]) -> Settings:
    """Settings that went through JSON."""
    known = {f.name: values[f.name] for f in fields(Settings) if f.name in values}
    return Settings(**dict(known, size=tuple(known['size'])))


def check_settings(settings: Settings) -> None:
    """See that a measurement is possible, before anything is built.

    Raises:
        ConfigError: It is not.
    """
    if settings.what == 'training' and 'folded' in settings.mode:
        raise ConfigError('a folded network does not train: use `mode=eager` or `mode=compiled`')
    if settings.device == 'cuda' and not torch.cuda.is_available():
        raise ConfigError('`device=cuda`: torch sees no GPU here')
    if settings.amp and settings.device == 'cpu' and settings.dtype == 'float16':
        raise ConfigError('`amp` on a CPU casts to bfloat16, not to float16')
    if settings.mode in RUNTIMES:
        check_runtime(settings)
    if min(settings.size) < MIN_SIZE:
        height, width = settings.size
        raise ConfigError(
            f'`size` must be at least {MIN_SIZE}x{MIN_SIZE} pixels, got {height}x{width}'
        )


def make_ready(settings: Settings, file: Optional[str] = None) -> Tuple[nn.Module, Tensor]:
    """Build a network with random weights and what it shall look at.

    Args:
        settings: What is measured.
        file: What a runtime reads, if it has been exported already.

    Returns:
        The module to call, in the mode, type and format that the settings name, and the images
        ``(N, C, H, W)``.

    Raises:
        ConfigError: There is no such network, or it cannot be folded.
        ExportError: A runtime cannot run it, or computes something else.
    """
    if settings.mode in RUNTIMES:
        return make_runtime(settings, file)
    network = prepared(settings)
    module, image = network.module, torch.randn(settings.batch, network.in_channels, *settings.size)
    if settings.amp:
        module = Autocast(module, autocast_dtype_of(settings), cast=network.holder)
    return module, image.to(**_form(settings))


def prepared(settings: Settings) -> Network:
    """The network of :func:`make_ready`, without images and autocast."""
    torch.manual_seed(0)
    network = build_network(settings.network, settings.options)
    module = network.module.train(settings.what == 'training')
    module.to(settings.device)  # before it is folded: what a GPU wants is folded in
    if 'folded' in settings.mode:
        holder: Any = network.holder
        if holder is None:
            raise ConfigError(f'{settings.network} cannot be folded: only built-in backbones can')
        from ...deploy import fold_model

        fold_model(holder)
    module.to(**_form(settings))
    if settings.memory_format == 'channels_last' and isinstance(module, Whole):
        to_channels_last(module)
    if 'compiled' in settings.mode:
        _compile_backbone(network)
    return network


def _form(settings: Settings) -> Dict[str, Any]:
    return dict(
        device=settings.device,
        dtype=torch.float32 if settings.amp else getattr(torch, settings.dtype),
        memory_format=MEMORY_FORMATS[settings.memory_format],
    )


def _compile_backbone(network: Network) -> None:
    torch._dynamo.reset()  # an earlier measurement's sizes would make this one's dynamic
    holder, name = network.holder, 'backbone'
    if holder is None:
        raise ConfigError('`mode=compiled` is for built-in backbones, and for models that have one')
    setattr(holder, name, torch.compile(getattr(holder, name), dynamic=False))

"""Mixed precision on a CPU: bfloat16, which needs no scaling of losses."""

from contextlib import contextmanager
from typing import Any, Iterator, List, Optional

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner, autocast
from torch import nn

from ..deploy.autocast import ready_for_autocast
from ..errors import ConfigError
from ..openmmlab.float_outputs import float_outputs
from ..registry import OPTIM_WRAPPERS
from ..utils.mixed_precision import autocast_dtype, note_on_speed
from .hooks.fold import bare_model

OF_A_GPU = ('loss_scale', 'use_fsdp', 'dtype')  # arguments of mmengine's AmpOptimWrapper


@OPTIM_WRAPPERS.register_module()
class CpuAmpOptimWrapper(OptimWrapper):
    """mmengine's ``AmpOptimWrapper`` for a CPU, where that refuses to be built.

    Example:
        >>> optim_wrapper = dict(type='hybrid_backbones.CpuAmpOptimWrapper',
        ...                      optimizer=dict(type='AdamW', lr=1e-4))
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Losses are computed under bfloat16 autocast; gradients and weights are float32."""
        with super().optim_context(model), autocast('cpu', torch.bfloat16):
            yield


def train_with_amp(cfg: Config) -> None:
    """Set mixed precision in a config that will be trained.

    Raises:
        ConfigError: It asks for another type on a CPU.
    """
    if torch.cuda.is_available():
        cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
        return
    dtype = cfg.optim_wrapper.get('dtype', 'bfloat16')
    if str(dtype).rpartition('.')[2] != 'bfloat16':
        raise ConfigError(
            f'`amp` on a CPU computes in bfloat16, and optim_wrapper.dtype is {dtype}: set '
            'optim_wrapper.dtype=bfloat16, or train on a GPU'
        )
    for argument in OF_A_GPU:
        cfg.optim_wrapper.pop(argument, None)
    cfg.optim_wrapper.type = 'hybrid_backbones.CpuAmpOptimWrapper'


def device_notes(amp: bool) -> List[str]:
    """What is to be said of mixed precision on this machine."""
    note = note_on_speed('cuda' if torch.cuda.is_available() else 'cpu') if amp else None
    return [note] if note else []


def test_with_amp(cfg: Config) -> None:
    """Set mixed precision in a config that will be tested: mmengine's loop does it."""
    cfg.test_cfg = dict(cfg.get('test_cfg') or {}, fp16=True)


class AmpHook(Hook):
    """Make the model ready for mixed precision when a run begins."""

    def before_train(self, runner: Runner) -> None:
        """On a CPU, losses are computed from float32."""
        if _device(runner) == 'cpu':
            float_outputs(bare_model(runner.model))

    def before_test(self, runner: Runner) -> None:
        """Weights are cast once; the checkpoint has been loaded, and folded."""
        device = _device(runner)
        ready_for_autocast(bare_model(runner.model), device, autocast_dtype(device))


def _device(runner: Runner) -> str:
    parameter: Optional[Any] = next(runner.model.parameters(), None)
    return 'cpu' if parameter is None else str(parameter.device.type)

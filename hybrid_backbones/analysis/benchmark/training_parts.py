"""One training step of a config's whole model, and the optimizer that goes with it."""

import copy
import logging
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Tuple

import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import OptimWrapper, build_optim_wrapper
from torch import nn

from ...errors import ConfigError, as_config_error
from ...openmmlab.library import in_scope

BACKWARD, OPTIMIZER = 'backward', 'optimizer'
# of the wrapper: its methods, and the parts that they are
METHODS = dict(backward=BACKWARD, step=OPTIMIZER, zero_grad=OPTIMIZER)
# what mixed precision and accumulation have beside; both are left out
OF_OTHERS = ('loss_scale', 'dtype', 'use_fsdp', 'accumulative_counts')


class TrainingStep:
    """One step on a batch, as mmengine's loop has it: forward, losses, backward, optimizer.

    Args:
        model: In training mode, on its device.
        library: The model's.
        cfg: Of which the optimizer, its rules for parameters and the clipping are taken; gradients
            are not accumulated, and a smaller type has no loss scaling.
        batch: As ``train_step`` takes it.
        dtype: Of autocast; float32 for none.
        device: ``'cpu'`` or ``'cuda'``.

    Raises:
        ConfigError: The config names no optimizer, or one that cannot be built.
    """

    def __init__(
        self,
        model: nn.Module,
        library: str,
        cfg: Config,
        batch: Dict[str, Any],
        dtype: torch.dtype,
        device: str,
    ):
        self.model: Any = revert_sync_batchnorm(model)  # which is for several processes
        self._batch = batch
        self.wrapper = _build(self.model, library, cfg)
        if dtype != torch.float32:
            self._autocast(dtype, device)
        self._given: Dict[str, Any] = {}

    def _autocast(self, dtype: torch.dtype, device: str) -> None:
        own = self.wrapper.optim_context

        @contextmanager
        def context(model: nn.Module) -> Iterator[None]:
            with own(model), torch.autocast(device, dtype):
                yield

        vars(self.wrapper)['optim_context'] = context

    def places(self) -> List[Tuple[Any, str, str]]:
        """The methods that are not the model's, for :meth:`.stopwatch.Stopwatch.watching`."""
        return [(self.wrapper, method, part) for method, part in METHODS.items()]

    def image_size(self) -> List[int]:
        """Height and width of the images that the backbone gets, padded together."""
        self.prepare()
        return list(self.model.data_preprocessor(self._given, True)['inputs'].shape[-2:])

    def prepare(self) -> None:
        """What is not to be timed: a batch that no step has written to."""
        self._given = copy.deepcopy(self._batch)

    def __call__(self) -> Any:
        """The losses, by name."""
        return self.model.train_step(self._given, self.wrapper)


def _build(model: nn.Module, library: str, cfg: Config) -> OptimWrapper:
    if not cfg.get('optim_wrapper'):
        raise ConfigError('the config has no optim_wrapper: it does not train')
    settings = ConfigDict(copy.deepcopy(cfg.optim_wrapper.to_dict()))
    for name in OF_OTHERS:
        settings.pop(name, None)
    settings['type'] = OptimWrapper
    failure = 'the optimizer of the config cannot be built'
    logging.disable(logging.INFO)  # a line for every parameter
    try:
        with in_scope(library), as_config_error(failure):
            wrapper: OptimWrapper = build_optim_wrapper(model, settings)
    finally:
        logging.disable(logging.NOTSET)
    wrapper.initialize_count_status(model, 0, -1)
    return wrapper

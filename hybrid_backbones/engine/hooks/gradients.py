"""Gradients that are still being added up when a checkpoint is written."""

from typing import Any, Dict

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from .fold import bare_model

KEY = 'gradients'  # in a checkpoint


class PendingGradientsHook(Hook):
    """Keep gradients in checkpoints between two steps of ``accumulative_counts`` iterations.

    Without them a resumed training would take its first step with a part of the batches. Of several
    processes each has gradients of its own, and a checkpoint has one: there it is said instead.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Add the gradients, if the optimizer waits for more of them."""
        wrapper = runner.optim_wrapper
        if not isinstance(wrapper, OptimWrapper) or 'optimizer' not in checkpoint:
            return
        if wrapper._inner_count % wrapper._accumulative_counts == 0:
            return
        if get_world_size() > 1:
            runner.logger.warning(
                'this checkpoint is between two steps of the optimizer, and gradients of several '
                'processes are not saved: what is resumed from it takes one step with less of them'
            )
            return
        named = bare_model(runner.model).named_parameters()
        checkpoint[KEY] = {name: p.grad.cpu() for name, p in named if p.grad is not None}

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict[str, Any]) -> None:
        """Give the gradients back."""
        gradients = checkpoint.get(KEY) or {}
        for name, parameter in bare_model(runner.model).named_parameters():
            if name in gradients:
                parameter.grad = gradients[name].to(parameter)

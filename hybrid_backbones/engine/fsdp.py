"""Training with parameters, gradients and optimizer shared out among processes (torch's FSDP).

mmengine's ``FSDPStrategy`` does it, for a config with ``runner_type='FlexibleRunner'``. Ours adds
what a config for one process a GPU expects to go on working. In a config::

    runner_type = 'FlexibleRunner'
    strategy = dict(type='hybrid_backbones.FSDPStrategy')
"""

from functools import partial
from typing import Any, Dict, List, Optional, cast

from mmengine._strategy import FSDPStrategy as MMEngineFSDPStrategy
from mmengine.device import get_device
from mmengine.optim import BaseOptimWrapper
from torch import nn
from torch.distributed.fsdp import FullOptimStateDictConfig, FullStateDictConfig, StateDictType
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP

from ..backbones import families
from ..registry import FUNCTIONS, STRATEGIES


@FUNCTIONS.register_module()  # type: ignore[untyped-decorator]  # mmengine has no types
def wrap_blocks(module: nn.Module, recurse: bool, nonwrapped_numel: int) -> bool:
    """FSDP's ``auto_wrap_policy``: every block of a backbone is gathered by itself.

    All else (stem, downsampling, neck, heads) is gathered with the whole model.

    Args:
        module: What may be wrapped.
        recurse: Whether FSDP asks if it shall look further inside.
        nonwrapped_numel: Numbers in it that are not wrapped yet; it does not matter.
    """
    blocks = tuple(block for family in families().values() for block in family.block_types)
    return recurse or isinstance(module, blocks)


@STRATEGIES.register_module()
class FSDPStrategy(MMEngineFSDPStrategy):
    """mmengine's strategy, with what configs for DDP take for granted.

    - The model is wrapped block by block (:func:`wrap_blocks`) if nothing else is asked for.
    - Checkpoints are whole (``state_dict_cfg='full'``), as testing reads them.
    - ``sync_bn`` is obeyed. mmengine's own strategy takes it and does nothing.
    - Gradients are clipped by the norm over all processes. mmengine's own strategy would clip each
      process's share by that share's norm.
    - Training is resumed. mmengine's own strategy hands the optimizer's state to torch in an order
      of arguments that torch had before 2.1.
    - Without GPUs it runs on CPU processes.

    Args:
        model_wrapper: Arguments of ``MMFullyShardedDataParallel``.
        state_dict_cfg: As in mmengine.
        kwargs: As in mmengine.
    """

    def __init__(
        self,
        *,
        model_wrapper: Optional[Dict[str, Any]] = None,
        state_dict_cfg: Any = 'full',
        **kwargs: Any,
    ):
        wrapper = dict(type='MMFullyShardedDataParallel', auto_wrap_policy=wrap_blocks)
        wrapper.update(model_wrapper or {})
        if get_device() == 'cpu':
            wrapper.setdefault('device_id', 'cpu')  # else mmengine names a GPU
            if state_dict_cfg == 'full':
                state_dict_cfg = _whole_on_cpu()
        super().__init__(model_wrapper=wrapper, state_dict_cfg=state_dict_cfg, **kwargs)

    def _wrap_model(self, model: nn.Module) -> nn.Module:
        return super()._wrap_model(self.convert_model(model))

    def optim_state_dict(self) -> Dict[str, Any]:
        """The optimizer's state, whole in the first process with ``state_dict_cfg='full'``."""
        return FSDP.optim_state_dict(self.model, self.optim_wrapper.optimizer)

    def load_optim_state_dict(self, state_dict: Dict[str, Any]) -> None:
        """Load what :meth:`optim_state_dict` gave."""
        optimizer = self.optim_wrapper.optimizer
        own = FSDP.optim_state_dict_to_load(self.model, optimizer, state_dict)
        optimizer.load_state_dict(own)

    def build_optim_wrapper(self, optim_wrapper: Any, model: nn.Module) -> BaseOptimWrapper:
        """Build the optimizer for the shares of this process."""
        built = super().build_optim_wrapper(optim_wrapper, model)
        if getattr(built, 'grad_name', '') == 'grad_norm':
            built.clip_func = partial(_clip, cast(FSDP, model))
        return built


def _whole_on_cpu() -> Dict[str, Any]:
    """As ``'full'``, but for the copy to the CPU: torch 2.13 frees what it takes for the copy."""
    return dict(
        state_dict_type=StateDictType.FULL_STATE_DICT,
        state_dict_config=FullStateDictConfig(rank0_only=True),
        optim_state_dict_config=FullOptimStateDictConfig(rank0_only=True, offload_to_cpu=False),
    )


def _clip(model: FSDP, parameters: List[nn.Parameter], **options: Any) -> Any:
    """FSDP's own: it knows its parameters, and sums up the norms of all processes."""
    return model.clip_grad_norm_(**options)

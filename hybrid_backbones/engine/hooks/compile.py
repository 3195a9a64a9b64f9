"""torch.compile for the blocks of a backbone, inside mmengine's Runner."""

from functools import partial
from typing import Any, Callable, Iterator, List, Tuple

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from ...backbones import HybridBackbone
from ...errors import ConfigError
from ...registry import HOOKS
from .fold import bare_model

# graphs of one kind of block: of its first size, and of any other
GRAPHS_OF_A_BLOCK = 3
# torch's name of the limit, which has changed
LIMITS = ('recompile_limit', 'cache_size_limit')


@HOOKS.register_module()
class CompileHook(Hook):
    """Compile the blocks of the model's backbone, in training and tests.

    Blocks, not the whole: those that are alike share what is compiled, so that it takes a minute
    and not many, and what is around them may be anything. Images of another size than the first
    are compiled for once more, for all sizes then. Names of weights stay as they are, so
    checkpoints are read with and without the hook. Where torch cannot compile, on a machine
    without a compiler for instance, one line says why and the model runs as it is.

    Args:
        **options: Of ``torch.compile``, such as ``mode`` or ``backend``.

    Example:
        >>> custom_hooks = [dict(type='hybrid_backbones.CompileHook')]
    """

    priority = 'LOW'  # after weights are loaded and the backbone is folded

    def __init__(self, **options: Any):
        self.options = options

    def before_run(self, runner: Runner) -> None:
        """Look whether it can be done.

        Raises:
            ConfigError: The model has no backbone of this package.
        """
        if not list(_backbones(runner)):
            raise ConfigError(
                'CompileHook is for the backbones of this package: the model has none'
            )

    def before_train(self, runner: Runner) -> None:
        """Compile; the graphs are made when blocks are called first."""
        self._compile(runner)

    def before_test(self, runner: Runner) -> None:
        """As before training; a test within a training has been compiled for already."""
        self._compile(runner)

    def _compile(self, runner: Runner) -> None:
        blocks = [block for backbone in _backbones(runner) for block in _blocks(backbone)]
        if any(getattr(block, '_compiled_call_impl', None) for block in blocks):
            return
        if not hasattr(nn.Module, 'compile'):
            runner.logger.warning(f'torch {torch.__version__} compiles no single blocks: 2.2 does')
            return
        limit_graphs(GRAPHS_OF_A_BLOCK * len({_kind(block) for block in blocks}))
        give_up = partial(_run_eagerly, blocks, runner.logger.warning)
        for block in blocks:
            block.compile(**self.options)
            block._compiled_call_impl = _or_eager(block, give_up)
        runner.logger.info(f'{len(blocks)} blocks of the backbone are compiled when first called')


def _backbones(runner: Runner) -> Iterator[HybridBackbone]:
    model = bare_model(runner.model)
    return (module for module in model.modules() if isinstance(module, HybridBackbone))


def _blocks(backbone: HybridBackbone) -> List[Any]:
    return [module for module in backbone.modules() if isinstance(module, backbone.block_types)]


def _kind(block: nn.Module) -> Tuple[Any, ...]:
    """What blocks have in common that share a graph."""
    shapes = tuple((name, value.shape) for name, value in block.named_parameters())
    return type(block), shapes


def limit_graphs(number: int) -> None:
    """Allow at least so many graphs of one function: with fewer, torch would go on eagerly."""
    config: Any = torch._dynamo.config
    name = next(each for each in LIMITS if hasattr(config, each))
    setattr(config, name, max(number, getattr(config, name)))


def _or_eager(block: Any, give_up: Callable[[Exception], None]) -> Callable[..., Any]:
    compiled = block._compiled_call_impl

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return compiled(*args, **kwargs)
        except torch._dynamo.exc.TorchDynamoException as error:  # not the model's own
            give_up(error)
            return block(*args, **kwargs)

    return call


def _run_eagerly(blocks: List[Any], log: Callable[[str], None], error: Exception) -> None:
    for block in blocks:
        block._compiled_call_impl = None
    reason = ' '.join(str(error).split('\n\n')[0].split())  # torch's advice follows
    log(f'torch cannot compile the blocks, which run as they are: {reason}')

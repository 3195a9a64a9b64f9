"""Folding inside mmengine's Runner."""

from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from ...backbones import HybridBackbone
from ...deploy.folding.fold import fold_model
from ...errors import ConfigError


class FoldHook(Hook):
    """Fold the model when a test begins: the checkpoint has been loaded by then."""

    def before_run(self, runner: Runner) -> None:
        """Look whether it can be done.

        Raises:
            ConfigError: The backbone is none of this package's, or weights would be swapped.
        """
        backbone = getattr(bare_model(runner.model), 'backbone', None)
        if not isinstance(backbone, HybridBackbone):
            raise ConfigError(
                f'`fold` is for the backbones of this package, not a {type(backbone).__name__}'
            )
        if any(isinstance(hook, EMAHook) for hook in runner.hooks):
            raise ConfigError(
                '`fold`: EMAHook would swap weights of unfolded models; set custom_hooks=[] to '
                "test: the checkpoint's weights are the averages"
            )

    def before_test(self, runner: Runner) -> None:
        """Fold, in the mode that the test is about to set."""
        fold_model(bare_model(runner.model).eval())
        runner.logger.info('The model is folded')


def bare_model(model: nn.Module) -> nn.Module:
    """The model inside of wrappers: for several processes, and for test-time augmentation."""
    if is_model_wrapper(model):
        model = model.get_submodule('module')
    inner = getattr(model, 'module', model)
    return inner if isinstance(inner, nn.Module) else model

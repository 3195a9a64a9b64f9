"""mmengine's Runner for a config, or the one that the config asks for."""

from typing import Union

from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import FlexibleRunner, Runner

from ..config.traverse import kind_of
from ..errors import ConfigError, as_config_error
from ..openmmlab.library import announce_operators

# what building raises of settings of a wrong kind or name
BAD_SETTINGS = (AssertionError, AttributeError, KeyError, TypeError, ValueError)


def build_runner(cfg: Config) -> Union[Runner, FlexibleRunner]:
    """Build what ``cfg.runner_type`` names; mmengine's ``Runner`` if it names nothing.

    Raises:
        ConfigError: There is no such runner, or it cannot run what the config says.
    """
    kind = cfg.get('runner_type', 'Runner')
    try:
        known = RUNNERS.get(kind) if isinstance(kind, str) else kind
    except RuntimeError:
        known = None
    if known is None:
        raise ConfigError(f'runner_type must be Runner or FlexibleRunner, got {kind!r}')
    if known is FlexibleRunner:
        _fit_strategy(cfg)
    with as_config_error('the config cannot be run', BAD_SETTINGS):
        runner = known.from_cfg(cfg)
    announce_operators()  # to the runner's log
    return runner


def _fit_strategy(cfg: Config) -> None:
    """Tell the strategy what ``FlexibleRunner`` does not read from where ``Runner`` does."""
    if cfg.launcher == 'none':
        kind = (cfg.get('strategy') or {}).get('type', 'SingleDeviceStrategy')
        if 'SingleDevice' not in str(kind):
            raise ConfigError(
                f'strategy {kind} shares the work among processes: start them with '
                'torchrun or Slurm, or set runner_type=Runner for one'
            )
        return
    if cfg.get('strategy') is None:
        cfg.strategy = dict(type='DDPStrategy')
    if cfg.get('sync_bn'):
        cfg.strategy.setdefault('sync_bn', cfg.sync_bn)
    if kind_of(cfg.strategy) == 'DDPStrategy' and cfg.get('model_wrapper_cfg'):
        cfg.strategy.setdefault('model_wrapper', cfg.model_wrapper_cfg)

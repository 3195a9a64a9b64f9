"""Whether the evaluator of a config computes the metrics that the config goes by.

The best checkpoint, early stopping and a learning rate that falls on a plateau go by a metric.
mmengine looks for it when the first evaluation is over, which may be hours later, or passes over
one that is not there; and it does as told where the best is to be the worst.
"""

from difflib import get_close_matches
from typing import Any, Iterator, List, NamedTuple, Optional

from mmengine.config import Config
from mmengine.hooks import CheckpointHook, EarlyStoppingHook

from ..config.data import EVALUATORS, as_list
from ..config.traverse import kind_of
from ..errors import ConfigError
from .metric_names import is_error, names_of


class Wanted(NamedTuple):
    """A metric that something goes by."""

    setting: str
    metric: str
    rule: Optional[str]  # 'greater' or 'less' is better


def check_metrics(cfg: Config) -> None:
    """See that every metric that a config goes by will be there, and which way is better.

    Args:
        cfg: Any config; of metrics that are not known here nothing is claimed.

    Raises:
        ConfigError: One will not; names those that will. Or the rule would keep the worst.
    """
    computed = _computed(cfg)
    for wanted in _wanted(cfg):
        if wanted.metric == 'auto':
            continue
        if computed and wanted.metric not in computed:
            close = get_close_matches(wanted.metric, computed, n=1, cutoff=0.4)
            hint = f'; {close[0]} is close' if close else ''
            raise ConfigError(
                f'{wanted.setting} is {wanted.metric!r}, and the evaluator computes '
                f'{", ".join(computed)}{hint}'
            )
        _check_rule(wanted, known=wanted.metric in computed)


def _computed(cfg: Config) -> List[str]:
    """All names; none if there is a metric of which they are not known."""
    found = [names_of(cfg.get('default_scope'), each) for each in as_list(cfg.get(EVALUATORS[0]))]
    return [] if None in found else [name for names in found for name in names or ()]


def _wanted(cfg: Config) -> Iterator[Wanted]:
    checkpoint = (cfg.get('default_hooks') or {}).get('checkpoint')
    hooks = [('default_hooks.checkpoint', checkpoint)] if checkpoint else []
    hooks += [
        (f'custom_hooks.{i}', hook) for i, hook in enumerate(as_list(cfg.get('custom_hooks')))
    ]
    for setting, hook in hooks:
        if kind_of(hook) == 'CheckpointHook' and not hook.get('greater_keys'):
            names = as_list(hook.get('save_best'))
            rules = as_list(hook.get('rule')) or [None]
            for name, rule in zip(names, rules * len(names) if len(rules) == 1 else rules):
                yield Wanted(f'{setting}.save_best', name, rule)
        if kind_of(hook) == 'EarlyStoppingHook' and hook.get('monitor'):
            yield Wanted(f'{setting}.monitor', hook.monitor, hook.get('rule'))
    schedulers: Any = cfg.get('param_scheduler')
    for i, scheduler in enumerate(as_list(schedulers)):
        if kind_of(scheduler).startswith('ReduceOnPlateau') and '/' in scheduler.get('monitor', ''):
            rule = scheduler.get('rule', 'less')  # as mmengine does
            yield Wanted(f'param_scheduler.{i}.monitor', scheduler.monitor, rule)


def _check_rule(wanted: Wanted, known: bool) -> None:
    owner = wanted.setting.rpartition('.')[0]
    right = 'less' if is_error(wanted.metric) else 'greater'
    if wanted.rule is None:
        hook = CheckpointHook if wanted.setting.endswith('save_best') else EarlyStoppingHook
        keys = (*hook._default_greater_keys, *hook._default_less_keys)
        if not any(key.lower() in wanted.metric.lower() for key in keys):
            raise ConfigError(
                f'{wanted.setting} is {wanted.metric!r}, of which mmengine does not know whether '
                f'more is better: set {owner}.rule={right}'
            )
    elif wanted.rule not in ('greater', 'less'):
        raise ConfigError(f"{owner}.rule is {wanted.rule!r}; 'greater' or 'less' would be right")
    elif known and wanted.rule != right:
        raise ConfigError(
            f'{owner}.rule is {wanted.rule!r}, by which the worst {wanted.metric} would be the '
            f'best: set {owner}.rule={right}'
        )

"""Settings of another kind than everything that reads them takes for granted."""

from typing import Any, Dict, Tuple

from mmengine.config import Config

from ..errors import ConfigError
from .data import DATALOADERS, EVALUATORS, datasets

LIST = (list, tuple)
TOP: Dict[str, Tuple[type, ...]] = {
    'model': (dict,),
    'custom_hooks': LIST,
    'default_hooks': (dict,),
    'env_cfg': (dict,),
    'optim_wrapper': (dict,),
    'param_scheduler': (dict, *LIST),
    'train_cfg': (dict,),
    'val_cfg': (dict,),
    'test_cfg': (dict,),
    **dict.fromkeys(DATALOADERS, (dict,)),
    **dict.fromkeys(EVALUATORS, (dict, *LIST)),
}
OF_DATASETS: Dict[str, Tuple[type, ...]] = {
    'ann_file': (str, *LIST),
    'data_root': (str,),
    'data_prefix': (dict, str),
    'metainfo': (dict,),
    'pipeline': LIST,
}
WORDS = {dict: 'a dict', list: 'a list', str: 'a text'}


def check_types(cfg: Config) -> None:
    """See that parts of a config are dicts, lists and texts where they should be.

    Args:
        cfg: Any config; what is absent or None is passed over.

    Raises:
        ConfigError: One is not; names it.
    """
    _check('', cfg, TOP)
    for part, dataset in datasets(cfg):
        _check(f'{part}.dataset.', dataset, OF_DATASETS)


def _check(where: str, node: Any, kinds: Dict[str, Tuple[type, ...]]) -> None:
    for key, allowed in kinds.items():
        value = node.get(key)
        if value is not None and not isinstance(value, allowed):
            words = ' or '.join(WORDS[kind] for kind in allowed if kind in WORDS)
            raise ConfigError(f'{where}{key} must be {words}, got {value!r}')

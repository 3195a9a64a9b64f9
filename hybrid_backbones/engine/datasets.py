"""Building the datasets of a config, and those that turn out to be empty."""

from typing import Any, Tuple

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, DefaultScope

from ..config.data import datasets, datasets_of
from ..data_check.segmentation import suffixes_of
from ..errors import ConfigError


def build_dataset(cfg: Config, part: str) -> Any:
    """Build the dataset of a dataloader in this process alone.

    mmengine's datasets pack their list into one array, to share it among processes, and cannot
    pack an empty one. Here the list stays a list, and an empty dataset can be built.

    Args:
        cfg: Of one of the libraries; its datasets are changed.
        part: The dataloader, ``'train_dataloader'`` say.
    """
    scope = cfg.get('default_scope')
    with DATASETS.switch_scope_and_registry(scope) as registry:
        for name, dataset in datasets(cfg):
            if name == part and _is_packed(registry.get(dataset.type)):
                dataset.serialize_data = False
    with DefaultScope.overwrite_default_scope(scope):
        built = DATASETS.build(cfg[part].dataset)
    if hasattr(built, 'full_init'):
        built.full_init()
    return built


def _is_packed(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseDataset)


def check_not_empty(cfg: Config, parts: Tuple[str, ...]) -> None:
    """See that the datasets of some dataloaders hold at least one image.

    Raises:
        ConfigError: One is empty; says what may be why.
    """
    for part in parts:
        if not cfg.get(part):
            continue
        try:
            size = len(build_dataset(Config(cfg._cfg_dict.to_dict()), part))
        except Exception:  # it cannot be built for another reason
            continue
        if not size:
            raise ConfigError(empty(cfg, part))


def empty(cfg: Config, part: str) -> str:
    """What may be why a dataset is empty."""
    if cfg.get('default_scope') == 'mmseg':
        folders = [suffixes_of(dataset) for dataset in datasets_of(cfg, part)]
        return f'the dataset of {part} is empty: {"; ".join(folders)}'
    return (
        f'the dataset of {part} is empty: no image holds an object of the requested classes; list '
        f'the classes of your annotation file in {part}.dataset.metainfo.classes'
    )

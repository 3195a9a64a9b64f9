"""What is to be tested, and what of it is at hand."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, List, Optional

from ..config.data import check_data, datasets_of, relocate
from ..errors import ConfigError
from ..zoo.configs import read_config
from ..zoo.model_files import ModelFile, at_hand, list_model_files, where_to_save

CONFIGS_DATA = 'data'  # the folder in which configs expect every dataset


@dataclass(frozen=True)
class Run:
    """One test of one published file.

    Args:
        file: What was published.
        tta: Whether test-time augmentation is on.
        published: The metrics that this test is to give, in percent.
        checkpoint: The file, None if it is not at hand.
        data_root: Folder of the dataset; None for the config's own, or for synthetic data.
        waits_for: What is missing: one line; empty if nothing is.
    """

    file: ModelFile
    tta: bool
    published: Dict[str, float]
    checkpoint: Optional[Path] = None
    data_root: Optional[str] = None
    waits_for: str = ''

    @property
    def name(self) -> str:
        """For files and logs: one config may have several files, and a file several configs."""
        stem = Path(self.file.file).stem
        parts = [self.file.config, *([stem] if stem != self.file.config else [])]
        return '--'.join([*parts, *(['tta'] if self.tta else [])])


def find_runs(
    pattern: str = '*',
    *,
    weights_dir: Optional[str] = None,
    data_root: Optional[str] = None,
    mini: bool = False,
    tta: bool = False,
) -> List[Run]:
    """All tests of the published files of some configs.

    Args:
        pattern: Of configs' names, with the wildcards of file names.
        weights_dir: Where published files have been saved; then ``pretrained`` and torch's cache.
        data_root: Folder that holds the datasets as ``data/`` does for the configs; or, of a
            single dataset, its own folder.
        mini: Test on synthetic data.
        tta: Also with test-time augmentation, where its result is published.

    Raises:
        ConfigError: No published file is for such a config; or there is no folder of that name.
    """
    for name, folder in (('weights_dir', weights_dir), ('data_root', data_root)):
        if folder and not Path(folder).is_dir():
            raise ConfigError(f'`{name}` must be a folder, there is none at {folder}')
    files = list_model_files(pattern)
    if not files:
        raise ConfigError(f'no published model has a config like {pattern!r}')
    return [
        _located(Run(file, augmented, published), weights_dir, data_root, mini)
        for file in files
        for augmented in ((False, True) if tta else (False,))
        for published in [_metrics(file, augmented)]
        if published
    ]


def _metrics(file: ModelFile, tta: bool) -> Dict[str, float]:
    """Those of one kind of test, without the mark of several scales in their names."""
    return {k.partition('(')[0]: v for k, v in file.metrics.items() if ('(' in k) == tta}


def _located(run: Run, weights_dir: Optional[str], data_root: Optional[str], mini: bool) -> Run:
    file = run.file
    path = at_hand(file, weights_dir)
    waits_for = '' if path else f'save it as {where_to_save(file, weights_dir)}, from {file.url}'
    root = None
    if not mini:
        try:
            root = _data_root(file.config, data_root)
        except ConfigError as error:
            waits_for = waits_for or f'no data: {str(error).partition(": ")[0]}'
    return replace(run, checkpoint=path, data_root=root, waits_for=waits_for)


def _data_root(config: str, folder: Optional[str]) -> Optional[str]:
    """Where the test set is: below ``folder``, or there itself; None: where the config says.

    Raises:
        ConfigError: Its files are not there.
    """
    cfg = read_config(config)
    if folder is None:
        check_data(cfg, ('test_dataloader',))
        return None
    own = datasets_of(cfg, 'test_dataloader')[0].get('data_root') or ''
    parts = Path(own).parts
    below = Path(folder, *(parts[1:] if parts[:1] == (CONFIGS_DATA,) else parts))
    if not below.is_dir() and not (Path(folder) / below.name).is_dir():
        below = Path(folder)
    relocate(cfg, below)
    check_data(cfg, ('test_dataloader',))
    return str(below)

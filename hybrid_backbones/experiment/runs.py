"""The runs of a study: every row with every seed, and the commands of each."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional

from ..errors import ConfigError
from .study import Entry, Study

TEST = 'test'  # folder of a test, below that of the run


@dataclass(frozen=True)
class Run:
    """One training with its test, or one test of a published file.

    Args:
        entry: The row.
        folder: Its work directory.
        options: All settings that it changes, by dotted keys.
        seed: None for a file that is tested only.
    """

    entry: Entry
    folder: Path
    options: Dict[str, Any] = field(default_factory=dict)
    seed: Optional[int] = None

    @property
    def name(self) -> str:
        """Row and seed, as in ``maskrcnn_uniformer_s_1x/seed_0``."""
        return f'{self.entry.name}/{self.folder.name}'


def runs_of(study: Study) -> List[Run]:
    """All runs, seed by seed: after the first seed there is something to look at of every row."""
    out = Path(study.out)
    tested = [entry for entry in study.configs if entry.checkpoint]
    trained = [entry for entry in study.configs if not entry.checkpoint]
    found = [
        Run(entry, out / entry.name / 'published', {**study.options, **entry.set})
        for entry in tested
    ]
    for seed in study.seeds:
        for entry in trained:
            options = {**study.options, **entry.set, 'randomness.seed': seed}
            found.append(Run(entry, out / entry.name / f'seed_{seed}', options, seed))
    return found


def train_arguments(study: Study, run: Run, launcher: str, halved: bool) -> List[str]:
    """The words after ``hybrid-backbones`` that train a run, or go on with it.

    Args:
        study: It is of.
        run: Which.
        launcher: As ``train`` takes it.
        halved: With half the batch and half the learning rate of its config.

    Raises:
        ConfigError: See :func:`half_batch` and :func:`option_text`.
    """
    options = {**run.options, **(half_batch(study, run) if halved else {})}
    words = ['train', run.entry.config, '--work-dir', str(run.folder), '--resume']
    words += ['--amp'] if study.amp else []
    words += ['--auto-scale-lr'] if study.auto_scale_lr else []
    return [*words, *_shared(study, launcher), *_cfg_options(options)]


def test_arguments(study: Study, run: Run, checkpoint: str, launcher: str) -> List[str]:
    """The words after ``hybrid-backbones`` that test a checkpoint of a run."""
    words = ['test', run.entry.config, checkpoint, '--work-dir', str(run.folder / TEST)]
    words += ['--all-classes'] if study.mini and run.entry.checkpoint else []
    return [*words, *_shared(study, launcher), *_cfg_options(run.options)]


def _shared(study: Study, launcher: str) -> List[str]:
    words = ['--mini'] if study.mini else []
    words += ['--data-root', study.data_root] if study.data_root else []
    return words + (['--launcher', launcher] if launcher != 'none' else [])


def half_batch(study: Study, run: Run) -> Dict[str, Any]:
    """Settings that halve a run's batch and learning rate.

    Raises:
        ConfigError: There is one image on a device already, or the config does not say.
    """
    cfg = resolved(study, run)
    batch = (cfg.get('train_dataloader') or {}).get('batch_size')
    rate = ((cfg.get('optim_wrapper') or {}).get('optimizer') or {}).get('lr')
    if not isinstance(batch, int) or batch < 2 or not isinstance(rate, (int, float)):
        raise ConfigError(
            f'{run.name}: a batch of {batch} on each device cannot be halved, with lr {rate}'
        )
    half = batch // 2
    rate = rate if study.auto_scale_lr else rate * half / batch
    return {'train_dataloader.batch_size': half, 'optim_wrapper.optimizer.lr': rate}


def resolved(study: Study, run: Run) -> Any:
    """The config of a run with all that the study changes; its data is not looked for.

    Raises:
        ConfigError: The config or one of the settings cannot be used.
    """
    from ..config.load import override
    from ..synthetic.shrink import apply_mini
    from ..zoo.configs import read_config

    cfg = read_config(run.entry.config)
    apply_mini(cfg, study.mini, all_classes=study.mini and bool(run.entry.checkpoint))
    override(cfg, run.options)
    return cfg


def _cfg_options(options: Dict[str, Any]) -> List[str]:
    if not options:
        return []
    return ['--cfg-options', *(f'{key}={option_text(value)}' for key, value in options.items())]


def option_text(value: Any) -> str:
    """A value as ``--cfg-options`` takes it.

    Raises:
        ConfigError: It has settings inside, which are to be named by dotted keys.
    """
    if isinstance(value, dict):
        raise ConfigError(f'{value} has settings inside: name them by dotted keys, as in a.b.c')
    if isinstance(value, (list, tuple)):
        return '[' + ','.join(map(option_text, value)) + ']'
    return str(value)

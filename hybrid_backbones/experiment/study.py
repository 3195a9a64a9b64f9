"""A study: which configs are trained with which seeds, and how; a short YAML file."""

import re
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Dict, List, Optional, Type, TypeVar, Union

import yaml

from ..errors import ConfigError, one_line
from ..utils.files import write_text
from .variants import short_name

LAUNCHERS = ('local', 'torchrun', 'slurm')
PUBLISHED = 'published'  # as a checkpoint: the file that the authors published for the config
HEAD = """\
# A study for `hybrid-backbones experiment`: edit it by hand, then check, run, table and plot it.
# All keys are described in docs/benchmarking.md.
"""
# YAML 1.1 takes 1e-4 for a word
_FLOAT = re.compile(r'[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+')
T = TypeVar('T')


@dataclass
class Entry:
    """One row of the study.

    Args:
        config: Name of a built-in config, path of a file, or ``mmdet::...``.
        name: Of the row and of its folder; the default is made of ``config`` and ``set``.
        set: Settings that this row changes, by dotted keys.
        checkpoint: A file to be tested, and nothing to be trained; ``published`` for the one that
            the authors published for the config.
    """

    config: str
    name: str = ''
    set: Dict[str, Any] = field(default_factory=dict)
    checkpoint: Optional[str] = None


@dataclass
class Slurm:
    """What Slurm is asked for, for each run.

    Args:
        partition: Where the jobs run; empty for the cluster's default.
        time: Limit of a job, such as ``24:00:00``; a run that reaches it is saved and queued again.
        gpus_per_node: Of one machine.
        cpus_per_task: Cores for each process.
        at_a_time: How many runs may be running; 0: no limit of ours.
        options: More flags of sbatch, such as ``--account=vision``.
    """

    partition: str = ''
    time: str = ''
    gpus_per_node: int = 8
    cpus_per_task: int = 5
    at_a_time: int = 0
    options: List[str] = field(default_factory=list)


@dataclass
class Study:
    """What is compared.

    Args:
        configs: The rows.
        seeds: Every row that is trained is trained with each of them.
        name: Of the study; the default is the name of its file.
        out: Folder of all runs; the default is ``work_dirs/NAME``.
        mini: Train on small synthetic data.
        data_root: Folder of the dataset, in place of the configs'.
        options: Settings that all rows change, by dotted keys.
        amp: Mixed precision.
        auto_scale_lr: Scale learning rates from the configs' base batch to the actual one.
        halve_batch: Whether a run that is out of memory is begun again, once, with half the batch
            and half the learning rate.
        baseline: Name of the row that others are compared with; the default is the first.
        launcher: ``local`` for one process a run, ``torchrun`` for several on this machine, or
            ``slurm``.
        gpus: Processes of a run, one for each GPU; ``local`` has one.
        jobs: Runs at a time on this machine; they share its cores, and each gets its own GPUs.
        slurm: For ``launcher: slurm``.
    """

    configs: List[Entry]
    seeds: List[int] = field(default_factory=lambda: [0])
    name: str = ''
    out: str = ''
    mini: bool = False
    data_root: Optional[str] = None
    options: Dict[str, Any] = field(default_factory=dict)
    amp: bool = False
    auto_scale_lr: bool = False
    halve_batch: bool = False
    baseline: str = ''
    launcher: str = 'local'
    gpus: int = 1
    jobs: int = 1
    slurm: Slurm = field(default_factory=Slurm)


KINDS: Dict[Any, str] = {
    str: 'text',
    bool: 'true or false',
    int: 'a whole number',
    Optional[str]: 'text',
    Dict[str, Any]: 'settings by dotted keys',
    List[int]: 'a list of whole numbers',
    List[str]: 'a list of words',
}


def read_study(path: Union[str, Path]) -> Study:
    """Read a study's file.

    Raises:
        ConfigError: It is not there, is no YAML, has a key that is not known or a value that
            cannot be, or two rows have one name.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or 'it is no text'
        raise ConfigError(f'{path} cannot be read: {reason}') from None
    except yaml.YAMLError as error:
        raise ConfigError(f'{path} is no YAML: {one_line(error)}') from None
    if not isinstance(content, dict):
        raise ConfigError(f'{path} is no study: expected keys such as `configs` and `seeds`')
    content = _numbers(content)
    entries = content.get('configs')
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f'{path}: configs must be a list of rows such as - config: NAME')
    content['configs'] = [
        _build(Entry, dict(config=each) if isinstance(each, str) else each, f'{path}: configs.{i}')
        for i, each in enumerate(entries)
    ]
    content['slurm'] = _build(Slurm, content.get('slurm') or {}, f'{path}: slurm')
    return complete(_build(Study, content, str(path)), path.stem, str(path))


def complete(study: Study, stem: str, where: str = 'the study') -> Study:
    """Fill in what a file may leave out, and see that all fits together; changed in place.

    Args:
        study: As read or planned.
        stem: The study's name, where it has none.
        where: For the message.

    Raises:
        ConfigError: It does not.
    """
    study.name = study.name or stem
    study.out = study.out or f'work_dirs/{study.name}'
    for entry in study.configs:
        entry.name = entry.name or short_name(entry.config, entry.set, bool(entry.checkpoint))
    names = [entry.name for entry in study.configs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ConfigError(f'{where}: two rows are called {twice}: give one another `name`')
    for name in names:
        if not re.fullmatch(r'[\w.=+,-]+', name) or name.startswith('.'):
            raise ConfigError(
                f'{where}: the name {name!r} is a folder too: letters, digits and . _ = + , -'
            )
    study.baseline = study.baseline or names[0]
    if study.baseline not in names:
        raise ConfigError(f'{where}: baseline {study.baseline!r} is none of {", ".join(names)}')
    if study.launcher not in LAUNCHERS:
        raise ConfigError(
            f'{where}: launcher must be one of {", ".join(LAUNCHERS)}, got {study.launcher!r}'
        )
    _check_numbers(study, where)
    return study


def _check_numbers(study: Study, where: str) -> None:
    if not study.seeds or len(set(study.seeds)) < len(study.seeds) or min(study.seeds) < 0:
        raise ConfigError(
            f'{where}: seeds must be different whole numbers, 0 or more, got {study.seeds}'
        )
    counts = dict(gpus=study.gpus, jobs=study.jobs)
    counts['slurm.gpus_per_node'] = study.slurm.gpus_per_node
    counts['slurm.cpus_per_task'] = study.slurm.cpus_per_task
    for key, value in counts.items():
        if value < 1:
            raise ConfigError(f'{where}: {key} must be at least 1, got {value}')
    if study.launcher == 'local' and study.gpus > 1:
        raise ConfigError(
            f'{where}: launcher local has one process a run: with gpus {study.gpus} use torchrun '
            'or slurm'
        )


def write_study(study: Study, path: Union[str, Path]) -> None:
    """Write a study's file: what differs from the defaults.

    Raises:
        OutputError: It cannot be written.
    """
    given = _given(study)
    implied = dict(name=Path(path).stem, baseline=study.configs[0].name)
    implied['out'] = f'work_dirs/{study.name}'
    given = {key: value for key, value in given.items() if implied.get(key) != value}
    given['configs'] = [_row(entry) for entry in study.configs]
    if study.slurm != Slurm():
        given['slurm'] = _given(study.slurm)
    order = sorted(given, key=lambda key: key == 'configs')  # the long list last
    content = {key: given[key] for key in order}
    write_text(path, HEAD + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=100))


class _Dumper(yaml.SafeDumper):
    """Writes lists of numbers or words on a line."""

    def represent_sequence(self, tag: Any, sequence: Any, flow_style: Any = None) -> Any:
        plain = not any(isinstance(each, (dict, list)) for each in sequence)
        return super().represent_sequence(tag, sequence, flow_style=plain)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _row(entry: Entry) -> Dict[str, Any]:
    named = _given(entry)
    if entry.name == short_name(entry.config, entry.set, bool(entry.checkpoint)):
        named.pop('name', None)
    return named


def _given(node: Any) -> Dict[str, Any]:
    """What of a node is not the default."""
    found = {}
    for f in fields(node):
        value = getattr(node, f.name)
        default = f.default if f.default_factory is MISSING else f.default_factory()
        if value != default and not hasattr(value, '__dataclass_fields__'):
            found[f.name] = value
    return found


def _build(kind: Type[T], content: Any, where: str) -> T:
    """A dataclass of what YAML has given, every key and type of which is looked at."""
    if not isinstance(content, dict):
        raise ConfigError(f'{where} must have keys and values, got {content!r}')
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    for key, value in content.items():
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f'; {close[0]} is close' if close else ''
            raise ConfigError(f'{where}: unknown key {key!r}; known: {", ".join(known)}{hint}')
        expected = known[key].type
        if expected in KINDS and not _is_a(value, expected):
            raise ConfigError(f'{where}: {key} must be {KINDS[expected]}, got {value!r}')
    lacking = [
        f.name
        for f in known.values()
        if f.default is MISSING and f.default_factory is MISSING and f.name not in content
    ]
    if lacking:
        raise ConfigError(f'{where}: {lacking[0]} is missing')
    return kind(**content)


def _is_a(value: Any, expected: Any) -> bool:
    if expected == Optional[str]:
        return value is None or isinstance(value, str)
    if expected == Dict[str, Any]:
        return isinstance(value, dict) and all(isinstance(key, str) for key in value)
    if expected in (List[int], List[str]):
        inner = int if expected == List[int] else str
        return isinstance(value, list) and all(_is_a(each, inner) for each in value)
    return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))


def _numbers(node: Any) -> Any:
    """The same with 1e-4 as a number."""
    if isinstance(node, dict):
        return {key: _numbers(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_numbers(value) for value in node]
    return float(node) if isinstance(node, str) and _FLOAT.fullmatch(node) else node


def parse_value(text: str) -> Any:
    """A value as it would stand in the file, such as ``1e-4``, ``true`` or ``[1, 2]``.

    Raises:
        ConfigError: It is no YAML.
    """
    try:
        return _numbers(yaml.safe_load(text))
    except yaml.YAMLError:
        raise ConfigError(f'{text!r} is no value as YAML has it') from None

"""One run, gathered from its work directory: ours, or of any other tool that uses mmengine."""

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any, Dict, List, Optional, Tuple

from ..analysis.training_log.read import TIMES, TrainingLog, read_log
from ..config.data import as_list
from ..errors import ConfigError
from ..openmmlab.metrics import METRICS, as_published
from .dumped import read_dumped
from .environment import read_environment
from .progress import extent_of
from .runs import TEST
from .state import DONE, FILE, RUNNING, WAITING, State, read_state

MIB = 2**20
POINTS = 200  # of a loss curve, at most
# of a resolved config, what does not change what is trained
UNRELATED = (
    'work_dir',
    'launcher',
    'resume',
    'load_from',
    'randomness',
    'experiment_name',
    'env_cfg',
)
# nor these, anywhere in it: weights are recorded by themselves, and a start that resumes has none
ELSEWHERE = ('data_root', 'backend_args', 'init_cfg')
UNFINISHED = 'unfinished'  # of work directories that no state is kept of

Curve = List[Tuple[float, float]]


@dataclass
class Record:
    """What is known of a run.

    Args:
        name: Of its row.
        seed: None where nobody says, or where nothing was trained.
        folder: Its work directory.
        status: Of :mod:`hybrid_backbones.experiment.state`; of work directories of others ``done``
            or ``unfinished``.
        reason: Why it is not done.
        done, total, unit: Epochs or iterations, as ``unit`` says.
        last: Metrics in percent at the end: of the test of the last checkpoint, or where there was
            none, of the last evaluation.
        best: The highest that each metric was in any evaluation.
        config_sha256: Of the resolved config, without seed, folders and initial weights.
        data: What it was tested on, wherever that lies: datasets with their annotation files.
        test_sha256: Of the test's settings: pipelines, evaluators and the model's ``test_cfg``.
        commit: Of this package's checkout.
        weights: Files that it began with, or that were tested, with their SHA-256.
        versions: Of Python and the libraries.
        earlier_versions: Those of starts before the newest, of a run that was gone on with.
        machine: Name of the card, or of the processor.
        gpus: Processes.
        batch: Images on each device.
        seconds_per_step: Median of the logged iterations.
        peak_memory: Bytes: on a GPU what torch allocated, on a CPU what was resident.
        hours: Of training and test, all starts.
        halved: Trained with half the batch, since the whole one did not fit.
        curves: Evaluations by metric, and ``loss``: pairs of epoch or iteration and value.
        marks: Why it must not be compared with the others of its study.
    """

    name: str
    seed: Optional[int]
    folder: str
    status: str = WAITING
    reason: str = ''
    done: float = 0
    total: int = 0
    unit: str = ''
    last: Dict[str, float] = field(default_factory=dict)
    best: Dict[str, float] = field(default_factory=dict)
    config_sha256: str = ''
    data: str = ''
    test_sha256: str = ''
    commit: Optional[str] = None
    weights: List[Dict[str, Optional[str]]] = field(default_factory=list)
    versions: Dict[str, str] = field(default_factory=dict)
    earlier_versions: List[Dict[str, str]] = field(default_factory=list)
    machine: str = ''
    gpus: int = 0
    batch: int = 0
    seconds_per_step: Optional[float] = None
    peak_memory: int = 0
    hours: float = 0.0
    halved: bool = False
    curves: Dict[str, Curve] = field(default_factory=dict)
    marks: List[str] = field(default_factory=list)

    def to_dict(self) -> Dict[str, Any]:
        """For JSON."""
        return asdict(self)


def record(folder: Path, name: str = '', seed: Optional[int] = None) -> Record:
    """Gather a run.

    Args:
        folder: Its work directory.
        name: Of its row; the default is the name of the folder, or of that around ``seed_N``.
        seed: Where the study names it.

    Raises:
        ConfigError: Its log or its dumped config cannot be read.
    """
    named = folder.parent.name if folder.name.startswith('seed_') else folder.name
    found = Record(name or named, seed, str(folder))
    starts = sorted(folder.glob('*/vis_data')) or sorted(folder.glob(f'{TEST}/*/vis_data'))
    if starts:
        cfg = _newest_config(starts)
        if cfg:
            _from_config(found, cfg)
        _from_environment(found, starts)
    if any(folder.glob('*/vis_data/*.json')) or list(folder.glob('vis_data/*.json')):
        _from_log(found, _read_log(folder))
    tested = _tested(folder)
    found.last = tested or found.last
    _from_state(found, folder)
    return found


def _read_log(folder: Path) -> Optional[TrainingLog]:
    try:
        return read_log(str(folder))
    except ConfigError as error:
        if 'no complete line' in str(error):  # it was killed before the first one
            return None
        raise


def _from_config(found: Record, cfg: Dict[str, Any]) -> None:
    found.unit, found.total = extent_of(cfg)
    found.batch = int((cfg.get('train_dataloader') or {}).get('batch_size') or 0)
    if found.seed is None:
        found.seed = (cfg.get('randomness') or {}).get('seed')
    kept = {key: value for key, value in cfg.items() if key not in UNRELATED}
    found.config_sha256 = _digest(_without_roots(kept))
    found.data = _data(cfg)
    found.test_sha256 = _digest(_test_settings(cfg))


def _newest_config(starts: List[Path]) -> Dict[str, Any]:
    """Of the newest start that has dumped one; the newest of all may be about to."""
    for start in reversed(starts):
        path = start / 'config.py'
        cfg = read_dumped(path) if path.is_file() else {}
        if cfg:
            return cfg
    return {}


def _data(cfg: Dict[str, Any]) -> str:
    """The test set in words, without the folder that it lies in."""
    dataset = _innermost((cfg.get('test_dataloader') or {}).get('dataset') or {})
    root = str(dataset.get('data_root') or '')
    prefix = dataset.get('data_prefix') or {}
    files = dataset.get('ann_file') or '+'.join(map(str, dict(prefix).values()))
    where = str(files).rstrip('/')
    synthetic = ' (synthetic)' if '/mini/' in f'/{root}/' else ''
    return f'{dataset.get("type")} {where.removeprefix(root).lstrip("/")}{synthetic}'.strip()


def _innermost(dataset: Dict[str, Any]) -> Dict[str, Any]:
    inner = as_list(dataset.get('dataset') or dataset.get('datasets'))
    return _innermost(inner[0]) if inner else dataset


def _test_settings(cfg: Dict[str, Any]) -> Any:
    loader = dict(cfg.get('test_dataloader') or {})
    for key in ('num_workers', 'persistent_workers', 'batch_size', 'pin_memory'):
        loader.pop(key, None)
    model = cfg.get('model') or {}
    return _without_roots([loader, cfg.get('test_evaluator'), model.get('test_cfg')])


def _without_roots(node: Any) -> Any:
    """The same without what depends on the machine, or stands elsewhere in the record."""
    if isinstance(node, dict):
        return {
            key: Path(str(value)).name
            if key in ('ann_file', 'bbox_file')
            else _without_roots(value)
            for key, value in node.items()
            if key not in ELSEWHERE
        }
    return [_without_roots(each) for each in node] if isinstance(node, (list, tuple)) else node


def _digest(node: Any) -> str:
    return sha256(json.dumps(node, sort_keys=True, default=str).encode()).hexdigest()


def _from_environment(found: Record, starts: List[Path]) -> None:
    """Of the newest start; of earlier ones what they differ in."""
    logs = [log for start in starts for log in sorted(start.parent.glob('*.log'))[:1]]
    told = [each for each in map(read_environment, logs) if each['versions']]
    if told:
        found.versions = told[-1]['versions']
        found.machine = told[-1]['other'].get('machine', '')
        found.earlier_versions = [each['versions'] for each in told[:-1]]
        seed = told[-1]['other'].get('seed', '')
        if found.seed is None and seed.isdecimal():
            found.seed = int(seed)


def _from_log(found: Record, log: Optional[TrainingLog]) -> None:
    if log is None or not (log.training or log.evaluations):
        return
    found.status = UNFINISHED
    if log.training:
        row = log.training[-1]
        found.done = row.get('epoch', 0) if found.unit == 'epochs' else row['iter']
        times = [row['time'] for row in log.training if 'time' in row]
        found.seconds_per_step = round(median(times), 4) if times else None
        found.hours = round(sum(times) * _interval(log) / 3600, 4)
        found.peak_memory = int(max(row.get('memory', 0) for row in log.training)) * MIB
    curves = {curve.key: curve for curve in log.curves()}
    for key, curve in curves.items():
        if curve.kind == 'metric' and curve.steps:
            found.curves[key] = list(zip(curve.steps, curve.values))
    if 'loss' in curves:
        points = list(zip(curves['loss'].steps, curves['loss'].values))
        found.curves['loss'] = points[:: max(-(-len(points) // POINTS), 1)]
    _from_evaluations(found, log)


def _from_evaluations(found: Record, log: TrainingLog) -> None:
    rows = log.evaluations
    known = any(key in row for row in rows for key in METRICS)
    for row in rows:
        for name, value in (as_published(row) if known else _all(row)).items():
            found.best[name] = max(value, found.best.get(name, value))
            found.last[name] = value
    if found.done and found.done >= found.total and rows:
        found.status = DONE


def _all(row: Dict[str, float]) -> Dict[str, float]:
    return {key: value for key, value in row.items() if key not in (*TIMES, 'step')}


def _interval(log: TrainingLog) -> float:
    """Iterations from one logged line to the next."""
    steps = [row['iter'] for row in log.training]
    gaps = [later - earlier for earlier, later in zip(steps, steps[1:])]
    return median(gaps) if gaps else (steps[0] if steps else 1)


def _tested(folder: Path) -> Dict[str, float]:
    """Metrics of the newest test of ours that came to its end."""
    for path in sorted(folder.glob(f'{TEST}/*/*.json'), reverse=True):
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            continue
        return as_published(content) or _all(content)
    return {}


def _from_state(found: Record, folder: Path) -> None:
    if not (folder / FILE).is_file():
        if found.status == UNFINISHED:
            found.reason = f'{found.done:g} of {found.total} {found.unit}'
        return
    state = read_state(folder)
    found.status, found.halved = state.status, state.halved
    found.reason = _reason(state, found)
    found.commit = state.about.get('commit')
    found.weights = state.about.get('weights', [])
    found.versions = state.about.get('versions') or found.versions
    found.earlier_versions += state.about.get('earlier_versions', [])
    found.machine = state.about.get('machine') or found.machine
    found.peak_memory = found.peak_memory or state.peak_memory
    found.gpus = int(state.about.get('gpus', 0))
    # what nobody saw end has no time, but its steps have
    hours = sum(each.seconds for each in state.attempts) / 3600
    found.hours = max(round(hours, 4), found.hours)


def _reason(state: State, found: Record) -> str:
    last = state.last
    if state.status in (DONE, RUNNING) or last is None:
        return ''
    if last.reason:
        return f'{last.kind}: {last.reason}'
    so_far = f' after {found.done:g} of {found.total} {found.unit}' if found.total else ''
    return f'its process was ended in the {last.stage}{so_far}, and nobody saw how'

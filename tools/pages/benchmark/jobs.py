"""Measurements in processes of their own, kept in files: a run that was stopped continues."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Union

from hybrid_backbones.analysis.benchmark.peak_memory import environment
from hybrid_backbones.analysis.benchmark.settings import Settings, from_dict
from hybrid_backbones.utils.files import write_json

MEASURE, TURNS, OPERATORS, PARTS = 'measure', 'turns', 'operators', 'parts'


@dataclass(frozen=True)
class Job:
    """One measurement.

    Args:
        name: Of its file.
        settings: What is measured; for ``TURNS``, by name.
        kind: ``MEASURE``, ``TURNS``, ``OPERATORS`` or ``PARTS``.
        package: What must be installed for it, if anything; without it, what an environment that
            had it measured stays.
    """

    name: str
    settings: Union[Settings, Mapping[str, Settings]]
    kind: str = MEASURE
    package: Optional[str] = None

    @property
    def threads(self) -> int:
        """Of torch."""
        settings = self.settings
        one = settings if isinstance(settings, Settings) else next(iter(settings.values()))
        return one.threads

    def described(self) -> Dict[str, Any]:
        """What tells it from another one, as JSON has it."""
        if isinstance(self.settings, Settings):
            settings = asdict(self.settings)
        else:
            settings = {name: asdict(each) for name, each in self.settings.items()}
        return json.loads(json.dumps(dict(kind=self.kind, settings=settings)))


Runner = Callable[[Job, Path], bool]


def kept(job: Job, path: Path) -> Optional[Dict[str, Any]]:
    """The result of a file, if it is of just that job."""
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding='utf-8'))
    return content.get('result') if content.get('job') == job.described() else None


def is_installed(job: Job) -> bool:
    """Whether there is what it needs."""
    return job.package is None or find_spec(job.package) is not None


def run(job: Job, path: Path) -> bool:
    """Measure in a process of its own; whether there is a result. Its output is beside it."""
    command = [sys.executable, '-m', __name__, json.dumps(job.described()), str(path)]
    with open(path.with_suffix('.log'), 'w', encoding='utf-8') as log:
        done = subprocess.run(
            command, stdout=log, stderr=subprocess.STDOUT, env=environment(job.threads)
        )
    return done.returncode == 0 and path.is_file()


def measured(described: Dict[str, Any]) -> Dict[str, Any]:
    """The result of a job."""
    from hybrid_backbones.analysis.benchmark.measure import measure
    from hybrid_backbones.analysis.benchmark.operators import operators
    from hybrid_backbones.analysis.benchmark.parts import measure_parts
    from hybrid_backbones.analysis.benchmark.turns import in_turns

    kind, settings = described['kind'], described['settings']
    if kind == TURNS:
        return in_turns({name: from_dict(each) for name, each in settings.items()})
    function = {MEASURE: measure, OPERATORS: operators, PARTS: measure_parts}[kind]
    return function(from_dict(settings))


if __name__ == '__main__':  # a job as JSON, and the file to write
    _job = json.loads(sys.argv[1])
    write_json(sys.argv[2], dict(job=_job, result=measured(_job)))

"""Measurements in other processes, kept in files: a run that was stopped continues."""

import json
import subprocess
import sys
import traceback
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple, Union

from hybrid_backbones.analysis.benchmark.peak_memory import environment
from hybrid_backbones.analysis.benchmark.settings import Settings, from_dict
from hybrid_backbones.utils.files import write_json
from hybrid_backbones.utils.mixed_precision import cpu_has_bfloat16

MEASURE, TURNS, OPERATORS, PARTS = 'measure', 'turns', 'operators', 'parts'


@dataclass(frozen=True)
class Job:
    """One measurement.

    Args:
        name: Of its file.
        settings: What is measured; for ``TURNS``, by name.
        kind: ``MEASURE``, ``TURNS``, ``OPERATORS`` or ``PARTS``.
        package: What must be installed for it, if anything.
        bfloat16: Whether it is for processors with instructions for bfloat16.
        process: Jobs of one name that follow each other run in one process, which imports the
            libraries once; by default one of its own.
        later: Whether it waits until all that does not has been measured.
    """

    name: str
    settings: Union[Settings, Mapping[str, Settings]]
    kind: str = MEASURE
    package: Optional[str] = None
    bfloat16: bool = False
    process: str = ''
    later: bool = False

    @property
    def place(self) -> Tuple[bool, str]:
        """What jobs that run in one process have in common."""
        return self.later, self.process or self.name

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


# measures jobs, one after the other, into files of a folder
Runner = Callable[[Sequence[Job], Path], None]


def result_path(job: Job, folder: Path) -> Path:
    """The file of a job's result."""
    return folder / f'{job.name}.json'


def log_path(job: Job, folder: Path) -> Path:
    """The file of the output of a job's process."""
    return folder / f'{job.place[1]}.log'


def kept(job: Job, path: Path) -> Optional[Dict[str, Any]]:
    """The result of a file, if it is of just that job."""
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding='utf-8'))
    return content.get('result') if content.get('job') == job.described() else None


def missing(job: Job) -> Optional[str]:
    """What a job needs and does not find here, if anything."""
    if job.package is not None and find_spec(job.package) is None:
        return f'{job.package} is not installed'
    if job.bfloat16 and not cpu_has_bfloat16():
        return 'this processor has no instructions for bfloat16'
    return None


def run(jobs: Sequence[Job], folder: Path) -> None:
    """Measure in another process; its output is beside the results. What fails leaves none."""
    each = [[job.described(), str(result_path(job, folder))] for job in jobs]
    command = [sys.executable, '-m', __name__, json.dumps(each)]
    with open(log_path(jobs[0], folder), 'w', encoding='utf-8') as log:
        environ = environment(jobs[0].threads)
        subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, env=environ)


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


if __name__ == '__main__':  # jobs as JSON, each with the file to write
    for _job, _path in json.loads(sys.argv[1]):
        try:
            write_json(_path, dict(job=_job, result=measured(_job)))
        except Exception:
            traceback.print_exc()  # and the next one

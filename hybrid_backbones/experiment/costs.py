"""What the model of a row costs: parameters, FLOPs, and where somebody measured it, latency."""

import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

from ..analysis.benchmark.measure import measure
from ..analysis.benchmark.settings import Settings
from ..complexity.model import model_cost, usual_size
from ..config.load import override
from ..errors import ConfigError, as_config_error
from ..zoo.configs import read_config
from .study import Entry, Study

FILE = 'costs.json'  # in the study's folder


@dataclass
class Cost:
    """Of one image at the size that is usual for the task.

    Args:
        params: All of the model's; None where it cannot be built.
        flops: Multiply-adds; None where they cannot be counted.
        size: Height and width in pixels.
        latency: Seconds, the median of some calls of the whole model; None where not measured.
        machine: That it was measured on.
    """

    params: Optional[int] = None
    flops: Optional[int] = None
    size: Optional[List[int]] = None
    latency: Optional[float] = None
    machine: str = ''


def count(study: Study, entry: Entry) -> Cost:
    """Parameters and FLOPs of a row's model, as the config has it: not shrunk to ``mini``.

    A model of others may not run without real numbers: then what is not known is None.
    """
    try:
        with warnings.catch_warnings(), as_config_error(entry.name):
            warnings.simplefilter('ignore')  # the libraries' to those who write configs
            cfg = _config(study, entry)
            found = model_cost(cfg)
    except ConfigError:
        return Cost()
    return Cost(found.params, found.flops, list(found.size))


def measure_latency(study: Study, entry: Entry, device: str, repeats: int = 5) -> Cost:
    """Time a row's model here, with one image at a time and random weights.

    Raises:
        ConfigError: The model cannot be built.
    """
    options = _of_model({**study.options, **entry.set})
    size = usual_size(_config(study, entry))
    settings = Settings(
        entry.config, options, size=size, device=device, repeats=repeats, memory=False
    )
    result = measure(settings)
    return Cost(latency=result['seconds']['median'], size=list(size), machine=result['machine'])


def read_costs(path: Path) -> Dict[str, Cost]:
    """Costs by the name of the row, as :func:`write_costs` writes them; none if there is no file.

    Raises:
        ConfigError: It is something else.
    """
    if not path.is_file():
        return {}
    with as_config_error(f'{path} holds no costs', (ValueError, TypeError, AttributeError)):
        content: Dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
        return {name: Cost(**each) for name, each in content.items()}


def as_json(costs: Dict[str, Cost]) -> Dict[str, Any]:
    """For a file that :func:`read_costs` reads."""
    return {name: asdict(each) for name, each in costs.items()}


def _config(study: Study, entry: Entry) -> Any:
    cfg = read_config(entry.config)
    override(cfg, _of_model({**study.options, **entry.set}))
    return cfg


def _of_model(options: Dict[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in options.items() if key.startswith('model.')}

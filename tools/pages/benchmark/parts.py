"""What of a whole model's time goes to its parts, of a test image and of a training step."""

from typing import Any, Dict, List, Mapping

from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.utils.text import markdown_table

from .backbones import WHATS
from .jobs import PARTS, Job
from .models import MODELS, Model

NAME = 'model_parts'
REPEATS, WARMUP = 3, 1
PHOTOGRAPH = (480, 640)  # that a training pipeline loads
LEAST = 0.02  # of the time, for a part to be named
COLUMNS = ('model', 'step', 'seconds', 'backbone', 'the other parts', 'workers that keep up')


def jobs(threads: int) -> List[Job]:
    """Two for each model."""
    return [_job(model, what, threads) for model in MODELS for what in WHATS]


def _job(model: Model, what: str, threads: int) -> Job:
    training = what == 'training'
    settings = Settings(
        model.config,
        size=PHOTOGRAPH if training else model.size,
        batch=2 if training else 1,
        mode='eager' if training else 'folded',
        what=what,
        threads=threads,
        repeats=REPEATS,
        warmup=WARMUP,
        memory=False,
    )
    return Job(f'parts-{model.config}-{what}', settings, PARTS, package=model.package)


def table(results: Mapping[str, Dict[str, Any]]) -> str:
    """A row for each model and step."""
    rows = []
    for model in MODELS:
        for what in WHATS:
            result = results.get(f'parts-{model.config}-{what}')
            cells = _cells(result) if result else ['-'] * 4
            rows.append([f'`{model.config}`', what, *cells])
    return markdown_table(COLUMNS, rows)


def _cells(result: Dict[str, Any]) -> List[str]:
    shares = {name: part['share'] for name, part in result['parts'].items()}
    backbone = shares.pop('backbone')
    named = sorted(shares.items(), key=lambda each: -each[1])
    others = [f'{name} {share:.0%}' for name, share in named if share >= LEAST]
    workers = str(result['pipeline']['workers']) if result['pipeline'] else ''
    return [
        f'{result["seconds"]["of_parts"]:.2f}',
        f'{backbone:.0%}',
        ', '.join(others),
        workers,
    ]

"""Measurements in the columns of timm's benchmark files, to be read by what reads those.

Source of the columns: ``results/benchmark-infer-*.csv`` and ``benchmark-train-*.csv`` of timm.
"""

import csv
import io
from typing import Any, Dict, List, Tuple

from ...errors import ConfigError

MEGA = 1e6
SAMPLES, STEP, BATCH, SIZE = 'samples_per_sec', 'step_time', 'batch_size', 'img_size'
COLUMNS = dict(
    inference=('model', SAMPLES, STEP, BATCH, SIZE, 'gmacs', 'macts', 'param_count'),
    training=('model', SAMPLES, STEP, BATCH, SIZE, 'param_count'),
)
PREFIXES = dict(inference='infer', training='train')


def timm_csv(results: List[Dict[str, Any]]) -> str:
    """The text of a file: a row for each measurement, the fastest first as timm has them.

    Images a second, milliseconds a batch, multiply-adds (1e9) and activations (1e6) of one image,
    parameters (1e6).

    Args:
        results: Of :func:`hybrid_backbones.analysis.benchmark.measure.measure`.

    Raises:
        ConfigError: Inference and training are mixed: timm has files of their own for them.
    """
    whats = {result['settings']['what'] for result in results}
    if len(whats) > 1:
        raise ConfigError('timm has inference and training in files of their own')
    (what,) = whats
    prefix = PREFIXES[what]
    named = {
        column: column if column in ('model', 'param_count') else f'{prefix}_{column}'
        for column in COLUMNS[what]
    }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(named.values())
    rows = sorted(map(_row, results), key=lambda row: -row[SAMPLES])
    writer.writerows([row[column] for column in named] for row in rows)
    return text.getvalue()


def _row(result: Dict[str, Any]) -> Dict[str, Any]:
    settings = result['settings']
    batch, seconds = settings['batch'], result['seconds']['median']
    return {
        'model': settings['network'],
        SAMPLES: round(batch / seconds, 2),
        STEP: round(1000 * seconds, 3),
        BATCH: batch,
        SIZE: _size(tuple(settings['size'])),
        'gmacs': round(result['gmacs'] / batch, 2),
        'macts': round(result['activations'] / MEGA, 2) if result['activations'] else '',
        'param_count': round(result['params'] / MEGA, 2),
    }


def _size(size: Tuple[int, int]) -> str:
    """The side of a square, else height and width."""
    return str(size[0]) if size[0] == size[1] else 'x'.join(map(str, size))

"""The published code's measurements, as ratios to ResNet-50 so that they hold elsewhere."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Tuple

from hybrid_backbones.errors import ConfigError

PUBLISHED = Path(__file__).with_name('reference_speed.json')


@dataclass(frozen=True)
class Published:
    """The published code's measurements.

    Args:
        ratios: By key and ``'inference'`` or ``'training'``: time over ResNet-50's.
        memory: By key: resident GiB ``'before'`` and at the ``'peak'`` of one inference.
    """

    ratios: Dict[Tuple[str, str], float]
    memory: Dict[str, Dict[str, float]]


def read_published(path: Path = PUBLISHED) -> Published:
    """Read the file of the published code's measurements.

    Raises:
        ConfigError: There is no such file.
    """
    if not path.is_file():
        raise ConfigError(f'no file {path}: it has the times of the published code')
    content = json.loads(path.read_text(encoding='utf-8'))
    ratios = {}
    for row in content['rows']:
        key = f'{row["variant"]}:{row["mode"]}' if row['mode'] else row['variant']
        ratios[key, 'inference'] = row['inference_ratio']
        ratios[key, 'training'] = row['training_step_ratio']
    return Published(ratios, content['peak_rss_gib']['rows'])

"""Reading the reference data: weights as the authors would have published them, and numbers."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np
import torch

from tests.reference import deterministic

ROOT = Path(__file__).parent / 'reference'


@dataclass(frozen=True)
class Golden:
    """One recorded run: ``golden/<variant>@[<kind>-][<mode>-]<H>x<W>.npz``."""

    variant: str
    kind: str  # '', 'cls' or 'grad'
    mode: str
    height: int
    width: int

    @property
    def tag(self) -> str:
        parts = [self.kind, self.mode, f'{self.height}x{self.width}']
        return f'{self.variant}@{"-".join(p for p in parts if p)}'

    @property
    def arrays(self):
        return np.load(ROOT / 'golden' / f'{self.tag}.npz')

    @property
    def meta(self) -> dict:
        return json.loads(str(self.arrays['meta']))

    def image(self) -> torch.Tensor:
        batch = self.meta.get('batch', 1)
        return torch.from_numpy(deterministic.image(self.height, self.width, batch))


def goldens(family: str, kind: str = '') -> List[Golden]:
    """All recorded runs of a family and kind."""
    found = []
    for path in sorted((ROOT / 'golden').glob(f'{family}_*.npz')):
        variant, tag = path.stem.split('@')
        match = re.fullmatch(r'(?:(cls|grad)-)?(?:(\w+)-)?(\d+)x(\d+)', tag)
        golden = Golden(variant, match[1] or '', match[2] or '', int(match[3]), int(match[4]))
        if golden.kind == kind:
            found.append(golden)
    return found


def variants(family: str) -> List[str]:
    return sorted(path.stem for path in (ROOT / 'manifest').glob(f'{family}_*.json'))


@cache
def manifest(variant: str) -> dict:
    return json.loads((ROOT / 'manifest' / f'{variant}.json').read_text())


def published_state(variant: str, mode: Optional[str] = None) -> Dict[str, torch.Tensor]:
    """The authors' checkpoint of a variant; with ``mode``, that of their dense code."""
    info = manifest(variant)
    entries = [(key, shape) for key, shape, *_ in info['cls_state']]
    if mode:
        entries += [(key, shape) for key, shape, *_ in info['dense'][mode]['dense_only']]
    return {k: torch.from_numpy(np.array(deterministic.tensor(k, s))) for k, s in entries}


def assert_close(level: torch.Tensor, golden: Golden, name: str, tolerance: float) -> None:
    """As :func:`assert_recorded`, of a run of a backbone."""
    assert_recorded(level, golden.arrays, f'{golden.tag} {name}', name, tolerance)


def assert_recorded(level: torch.Tensor, arrays, what: str, name: str, tolerance: float) -> None:
    """``|ours - golden| <= tolerance * (|golden| + std)`` at every recorded position."""
    assert tuple(level.shape) == tuple(arrays[f'{name}/shape'])
    ours = level.detach().contiguous().view(-1)[torch.from_numpy(arrays[f'{name}/positions'])]
    theirs, std = torch.from_numpy(arrays[f'{name}/values']), arrays[f'{name}/stats'][1]
    excess = ((ours - theirs).abs() / (theirs.abs() + std)).max().item()
    assert excess <= tolerance, f'{what}: off by {excess:.1e} of (|value| + std)'

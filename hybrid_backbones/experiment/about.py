"""What a run depends on and does not write down itself: commit, versions, machine, weights."""

import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional

import torch

from ..config.traverse import backbones_in
from ..utils.files import sha256_of
from ..utils.versions import machine, versions
from ..weights.download import cached_copy


def about(cfg: Any, checkpoint: Optional[str] = None) -> Dict[str, Any]:
    """Everything, for JSON.

    Args:
        cfg: The resolved config.
        checkpoint: The file that is tested, where nothing is trained.
    """
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    return dict(
        commit=commit(Path(__file__).parent),
        versions=versions(),
        machine=machine(device),
        device=device,
        weights=[weights(each) for each in ([checkpoint] if checkpoint else starts_from(cfg))],
    )


def commit(folder: Path) -> Optional[str]:
    """Of the checkout that a folder is in, with ``-dirty`` if it was changed; None if in none."""
    git = shutil.which('git')
    if git is None:
        return None
    words = [git, '-C', str(folder), 'describe', '--always', '--dirty', '--abbrev=40']
    words += ['--exclude', '*']
    found = subprocess.run(words, capture_output=True, text=True)
    return found.stdout.strip() or None if found.returncode == 0 else None


def starts_from(cfg: Any) -> List[str]:
    """The files that a training's weights come from: of the backbone, and of the whole model."""
    named = [(each.get('init_cfg') or {}) for each in backbones_in(cfg.model)]
    files = [each.get('checkpoint') for each in named if isinstance(each, dict)]
    return [str(file) for file in (*files, cfg.get('load_from')) if file]


def weights(named: str) -> Dict[str, Optional[str]]:
    """A file of weights with its SHA-256, None if it is not here (yet)."""
    path = cached_copy(named) if '://' in named else Path(named)
    return dict(file=named, sha256=sha256_of(path) if path.is_file() else None)

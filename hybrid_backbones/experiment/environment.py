"""What the head of mmengine's text log says: versions, card, seed."""

import re
from pathlib import Path
from typing import Dict, Optional

HEAD = 200_000  # letters; a config may follow the environment
VERSIONS = dict(PyTorch='torch', MMEngine='mmengine', TorchVision='torchvision', Python='Python')
_LINE = re.compile(r'^ {4}([\w ,]+): (.*)$', re.MULTILINE)


def read_environment(log: Path) -> Dict[str, Dict[str, str]]:
    """Versions by package, and ``machine`` and ``seed`` where they are named.

    Args:
        log: The text log, such as ``20260101_120000/20260101_120000.log``.
    """
    try:
        with open(log, encoding='utf-8', errors='replace') as file:
            head = file.read(HEAD)
    except OSError:
        return dict(versions={}, other={})
    found = dict(_LINE.findall(head))
    versions = {
        package: found[name].split()[0] for name, package in VERSIONS.items() if found.get(name)
    }
    cards = [value for name, value in found.items() if re.fullmatch(r'GPU [\d,]+', name)]
    other = {'machine': cards[0]} if cards else {}
    seed = _seed(found)
    return dict(versions=versions, other={**other, **({'seed': seed} if seed else {})})


def _seed(found: Dict[str, str]) -> Optional[str]:
    """mmengine draws a seed where none is set, and calls it so."""
    return next((found[name] for name in ('seed', 'numpy_random_seed') if name in found), None)

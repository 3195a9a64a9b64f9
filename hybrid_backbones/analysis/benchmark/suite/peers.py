"""Which networks of other packages are here to stand beside the backbones."""

from typing import Dict, List, Tuple

from ....errors import one_line
from ....utils.packages import how_to_install
from ..families import BESIDE
from ..networks import build_network

# groups of one network; of several ways to have it, the first that is here
CANDIDATES = (('resnet50',), *BESIDE)


def peers_here() -> Tuple[Tuple[str, ...], Dict[str, str]]:
    """Names of those that can be built, and why the others cannot."""
    found: List[str] = []
    missing: Dict[str, str] = {}
    for names in CANDIDATES:
        reasons = {}
        for name in names:
            reason = _why_not(name)
            if not reason:
                found.append(name)
                break
            reasons[name] = reason
        else:
            missing.update(reasons)
    return tuple(found), missing


def _why_not(name: str) -> str:
    """Empty if it can be built. One that is broken, in whatever way, stops no table."""
    try:
        build_network(name)
    except ImportError as error:
        return f'needs {how_to_install(error) or one_line(error)}'
    except Exception as error:
        return one_line(error)
    return ''

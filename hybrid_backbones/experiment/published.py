"""What was published for a config, with its source: by this package's metafiles or a library's."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict, List

from mmengine.fileio import load

from ..config.data import as_list
from ..zoo.configs import list_models

METAFILES = ('metafile.yml', 'metafile.yaml', '*.yml')


@dataclass(frozen=True)
class Published:
    """Published results.

    Args:
        metrics: In percent, without those of several scales.
        source: Where they are: an address.
    """

    metrics: Dict[str, float] = field(default_factory=dict)
    source: str = ''


def published(config: str) -> Published:
    """What was published for a config; nothing where no metafile knows of it.

    Args:
        config: As a study names it.
    """
    if '::' in config:
        library, _, name = config.partition('::')
        return _find(_of_library(library, name), Path(name).stem)
    return _find(list_models(), Path(config).stem)


def _find(models: List[Dict[str, Any]], name: str) -> Published:
    model = next((each for each in models if each.get('Name') == name), {})
    metrics = {
        key: float(value)
        for result in as_list(model.get('Results'))
        for key, value in (result.get('Metrics') or {}).items()
        if '(' not in key and isinstance(value, (int, float))
    }
    return Published(metrics, str(model.get('Source') or model.get('Weights') or ''))


def _of_library(library: str, name: str) -> List[Dict[str, Any]]:
    """The models of the metafiles beside a library's config."""
    folder = library_configs(library) / Path(name).parent
    files = [path for pattern in METAFILES for path in sorted(folder.glob(pattern))]
    contents = [load(str(path)) for path in dict.fromkeys(files)]
    return [model for each in contents if isinstance(each, dict) for model in each['Models']]


def library_configs(library: str) -> Path:
    """The folder of the configs that come with a library; it may not be there."""
    spec = find_spec(library)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0] if places else library) / '.mim' / 'configs'

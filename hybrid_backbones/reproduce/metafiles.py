"""Results that were reproduced, written into the metafiles."""

from pathlib import Path
from typing import Dict, List, Sequence

from mmengine.fileio import dump, load

from ..utils.files import write_text
from ..zoo.configs import config_root
from .verdict import REPRODUCED, Row

PREFIX = 'published weights tested: '


def write_metafiles(rows: Sequence[Row], root: str = '') -> List[Path]:
    """Fill ``Reproduced`` of every config with what was reproduced of its published files.

    Args:
        rows: Those with another verdict are passed over.
        root: Folder of ``configs/metafiles``; the default is this checkout's, or that of the
            installed package.

    Returns:
        The metafiles that have changed.
    """
    found = _by_config(rows)
    changed = []
    for path in sorted((Path(root or config_root()) / 'configs' / 'metafiles').glob('*.yml')):
        content = load(str(path))
        before = [model['Reproduced'] for model in content['Models']]
        for model in content['Models']:
            model['Reproduced'] = found.get(model['Name'], model['Reproduced'])
        if before != [model['Reproduced'] for model in content['Models']]:
            text = dump(content, file_format='yaml', sort_keys=False, width=100)
            write_text(path, text)
            changed.append(path)
    return changed


def _by_config(rows: Sequence[Row]) -> Dict[str, str]:
    """Measured metrics; of a config with several files, those of the first."""
    texts: Dict[str, List[str]] = {}
    files: Dict[str, str] = {}
    for row in rows:
        config, file = row.run.file.config, row.run.file.file
        if row.verdict == REPRODUCED and files.setdefault(config, file) == file:
            suffix = ' (TTA)' if row.run.tta else ''
            texts.setdefault(config, []).extend(
                f'{name}{suffix} {row.measured["metrics"][name]:.1f}' for name in row.run.published
            )
    return {config: PREFIX + ', '.join(parts) for config, parts in texts.items()}

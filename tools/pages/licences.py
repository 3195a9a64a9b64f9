"""Write the table of licences of what the package is used with, into docs/licences.md.

python -m tools.pages.licences, after `make release`, which installs pip-licenses.
"""

import json
import re
import subprocess
import sys
from argparse import Namespace
from importlib.metadata import PackageNotFoundError, requires
from typing import Dict, Iterable, List, Set, Tuple

from hybrid_backbones.cli.arguments import Parser, run
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.utils.text import markdown_table
from tools.pages.marked import DOCS, PROJECT, write_parts

PAGE = DOCS / 'licences.md'
TOOL = PROJECT / '.venv-release' / 'bin' / 'pip-licenses'
# what a user installs: the package, its extras, and MMPose with what that needs
ROOTS = {
    'the package': ('torch', 'mmengine'),
    'detection and segmentation': ('mmcv-lite', 'mmdet', 'mmsegmentation', 'ftfy', 'regex'),
    'classification': ('mmpretrain',),
    'poses': ('mmpose', 'json-tricks', 'munkres', 'pycocotools'),
    'safetensors, export, completion': (
        'safetensors',
        'onnx',
        'onnxscript',
        'onnxruntime',
        'shtab',
    ),
}


def main(args: Namespace) -> None:
    if not TOOL.is_file():
        raise ConfigError('run make release first: it installs pip-licenses')
    command = [str(TOOL), '--python', sys.executable, '--format=json', '--with-urls']
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    licences = {_key(each['Name']): each for each in found}
    rows: List[Tuple[str, str, str, str]] = []
    seen: Set[str] = set()
    for purpose, roots in ROOTS.items():
        for name in sorted(closure(roots) - seen):
            if name in licences:  # else for another platform
                each = licences[name]
                licence = _short(each['License'])
                url = each['URL'].replace('http://', 'https://')
                named = each['Name'] if url == 'UNKNOWN' else f'[{each["Name"]}]({url})'
                rows.append((named, each['Version'], licence, purpose))
            seen.add(name)
    header = ('package', 'version', 'licence', 'needed for')
    write_parts(PAGE, dict(licences=markdown_table(header, rows)))


def closure(roots: Iterable[str]) -> Set[str]:
    """Packages, and what they require without extras, under normalised names."""
    found: Set[str] = set()
    waiting = [_key(root) for root in roots]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            needed = requires(name) or []
        except PackageNotFoundError:
            continue
        waiting += [
            _key(re.split(r'[^\w.-]', line)[0]) for line in needed if 'extra ==' not in line
        ]
    return found


def _key(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()


# what packages state in other words than SPDX's
SPDX: Dict[str, str] = {
    'Apache Software License': 'Apache-2.0',
    'Apache License 2.0': 'Apache-2.0',
    'MIT License': 'MIT',
    'The MIT License': 'MIT',
    'BSD License': 'BSD',
    'Python Software Foundation License': 'PSF-2.0',
    'Mozilla Public License 2.0 (MPL 2.0)': 'MPL-2.0',
}


def _short(licence: str) -> str:
    """One line, in SPDX's words where the package says which it is."""
    line = licence.strip().splitlines()[0]
    return '; '.join(dict.fromkeys(SPDX.get(part, part) for part in line.split('; ')))


def parse_args() -> Namespace:
    parser = Parser(description='Write the table of docs/licences.md')
    return parser.parse_args(namespace=Namespace(local_rank=0))


if __name__ == '__main__':
    run(parse_args, main)

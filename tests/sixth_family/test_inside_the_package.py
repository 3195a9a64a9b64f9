"""The same three files inside the package, and one more line: nothing else is edited."""

import shutil
import subprocess
import sys
from pathlib import Path

import torch

import hybrid_backbones
from hybrid_backbones.zoo.configs import config_root

HERE = Path(__file__).parent / 'tiny_hybrid'
PLACES = {
    'backbone.py': 'backbones/tiny_hybrid.py',
    'key_mapping.py': 'weights/families/tiny_hybrid.py',
    'fold_rules.py': 'deploy/folding/families/tiny_hybrid.py',
}
HOME = 'hybrid_backbones.backbones.tiny_hybrid'
LINE = 'from .tiny_hybrid import TinyHybrid as TinyHybrid\n'  # in backbones/__init__.py
USE = """
import sys
import torch
import hybrid_backbones
from hybrid_backbones.backbones import families
from hybrid_backbones.backbones.families import modules_of_other_packages

assert hybrid_backbones.__file__.startswith(sys.argv[1])
assert len(families()) == 6 and not modules_of_other_packages()
assert hybrid_backbones.list_backbones('tiny*', pretrained=True) == ['tinyhybrid_nano']
backbone = hybrid_backbones.create_backbone('tinyhybrid_nano', sys.argv[2]).eval()
folded = hybrid_backbones.fold(backbone)
assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
print('loaded and folded')
"""


def test_three_files_and_a_line(tiny_hybrid, tmp_path):
    package = tmp_path / 'hybrid_backbones'
    no_caches = shutil.ignore_patterns('__pycache__')
    shutil.copytree(Path(hybrid_backbones.__file__).parent, package, ignore=no_caches)
    for name in ('configs', 'model-index.yml'):
        (tmp_path / name).symlink_to(config_root() / name)
    for file, place in PLACES.items():
        assert not (package / place).exists()
        text = (HERE / file).read_text()
        text = text.replace(f'{tiny_hybrid.__name__}.backbone', HOME)
        (package / place).write_text(text)
    with (package / 'backbones' / '__init__.py').open('a') as names:
        names.write(LINE)
    published = tiny_hybrid.key_mapping.AUTHORS.publish(
        tiny_hybrid.backbone.TinyHybrid('nano').state_dict()
    )
    torch.save(published, tmp_path / 'nano.pth')
    done = subprocess.run(
        [sys.executable, '-c', USE, str(tmp_path), str(tmp_path / 'nano.pth')],
        cwd=tmp_path,
        env={'PYTHONPATH': str(tmp_path), 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip().endswith('loaded and folded'), done.stderr

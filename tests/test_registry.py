"""``type='hybrid_backbones.UniFormer'`` builds anywhere, and needs torch and mmengine only."""

import subprocess
import sys

import pytest
from mmengine.registry import MODELS

BUILD = """
import sys
for name in {blocked}:
    sys.modules[name] = None
from mmengine.registry import MODELS, DefaultScope, init_default_scope
{scope}
import torch
backbone = MODELS.build(dict(type='hybrid_backbones.UniFormer', arch='small')).eval()
with torch.inference_mode():
    print([tuple(level.shape[2:]) for level in backbone(torch.rand(1, 3, 333, 500))])
"""
SHAPES = '[(84, 125), (42, 63), (21, 32), (11, 16)]'


def run(code):
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_with_torch_and_mmengine_only():
    blocked = ['mmcv', 'mmdet', 'mmseg', 'mmpose', 'torchvision', 'pycocotools']
    assert SHAPES in run(BUILD.format(blocked=blocked, scope=''))


@pytest.mark.parametrize('scope', ['mmengine', 'mmdet', 'mmseg', 'mmpose'])
def test_from_every_scope(scope):
    pytest.importorskip(scope)
    first = 'import hybrid_backbones.openmmlab.operators'  # mmcv need not be compiled
    assert SHAPES in run(BUILD.format(blocked=[], scope=f'{first}; init_default_scope({scope!r})'))


def test_import_is_cheap():
    code = """
import time, torch, mmengine.registry, sys
start = time.perf_counter()
import hybrid_backbones, hybrid_backbones.registry
print(time.perf_counter() - start)
assert not [m for m in sys.modules if m.split('.')[0] in ('mmcv', 'mmdet', 'mmseg', 'mmpose')]
"""
    assert min(float(run(code)) for _ in range(3)) < 0.05


@pytest.mark.parametrize(
    'options, message',
    [
        (
            dict(depth=50),
            "UniFormer has no option 'depth', arch perhaps; it has arch, out_indices, ",
        ),
        (dict(pretrained='a.pth', style='x'), "no option 'pretrained', 'style', init_cfg perhaps"),
        (dict(drop_path=0.1), 'drop_path_rate perhaps'),
        (dict(windows=7), r'_delete_=True removes'),
    ],
)
def test_options_that_there_are_not(options, message):
    """As a config gives them that inherits another backbone's."""
    with pytest.raises(ValueError, match=message) as error:
        MODELS.build(dict(type='hybrid_backbones.UniFormer', arch='xxs', **options))
    assert '\n' not in str(error.value)

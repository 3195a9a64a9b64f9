"""In the place of ResNet in a config of MMDetection, and what training that takes."""

import subprocess
import sys

import pytest

from hybrid_backbones.analysis.training_memory.estimate import training_memory
from hybrid_backbones.config.load import load_config
from hybrid_backbones.dropin.drop_in import drop_in

from .registered import PACKAGE

pytestmark = pytest.mark.usefixtures('tiny_hybrid')
pytest.importorskip('mmdet')

OLD = 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'
BUILD = """
import sys
from hybrid_backbones.openmmlab.build import build_model
from hybrid_backbones.zoo.configs import read_config
print(type(build_model(read_config(sys.argv[1]), 'new').backbone).__name__)
"""


@pytest.fixture(scope='module')
def config(tiny_hybrid, tmp_path_factory):
    path = tmp_path_factory.mktemp('drop_in') / 'new.py'
    done = drop_in(OLD, 'tinyhybrid_nano', out=str(path), size=(64, 64))
    assert [level.channels for level in done.plan.new] == [16, 32, 32]
    assert done.after.params < done.before.params
    return path


def test_what_is_written(config):
    cfg = load_config(str(config))
    assert cfg.model.backbone.type == 'hybrid_backbones.TinyHybrid'
    assert cfg.model.backbone.out_indices == (1, 2, 3)
    assert cfg.model.backbone.init_cfg.checkpoint == 'https://example.org/tiny_hybrid_nano.pth'
    assert cfg.model.neck.in_channels == [16, 32, 32]


def test_it_says_where_the_family_is_from(config):
    """Another process, which knows nothing of the family, builds the config's model."""
    assert load_config(str(config)).custom_imports.imports == [f'{PACKAGE}.backbone']
    done = subprocess.run(
        [sys.executable, '-c', BUILD, str(config)], capture_output=True, text=True
    )
    assert done.stdout.split()[-1:] == ['TinyHybrid'], done.stderr


def test_training_memory(config):
    cfg = load_config(str(config))
    whole, recomputed = (
        training_memory(cfg, (64, 64), 2, 'fp32', with_cp) for with_cp in (False, True)
    )
    assert whole.backbone > 0
    assert recomputed.rest == whole.rest

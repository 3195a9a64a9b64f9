"""What test pipelines feed to networks, against what the authors' code fed, for made-up photos."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope

from hybrid_backbones.openmmlab.published import apply_settings
from hybrid_backbones.weights import read_model
from hybrid_backbones.zoo.configs import read_config
from tests.golden import assert_recorded
from tests.reference import deterministic
from tests.weights.test_whole_models import write

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

GOLDEN = Path(__file__).parents[1] / 'reference' / 'whole' / 'golden'
RUNS = sorted(path.stem for path in GOLDEN.glob('pipeline-*.npz'))


def photo(height, width):
    """Blocks of 8 pixels, BGR."""
    draw = deterministic._rng(f'photo:{height}x{width}').integers
    small = draw(0, 256, (height // 8 + 2, width // 8 + 2, 3), dtype=np.uint8)
    return small.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]


def sample(cfg, path, meta):
    """What a dataset gives to its pipeline."""
    if cfg.default_scope != 'mmpose':
        return dict(img_path=str(path), img_id=0, reduce_zero_label=True, seg_fields=[])
    x, y, w, h = meta['bbox_xywh']
    return dict(
        img_path=str(path),
        bbox=np.array([[x, y, x + w, y + h]], np.float32),
        bbox_score=np.ones(1, np.float32),
    )


def network_input(cfg, path, meta):
    """Of the test pipeline and the data preprocessor, ``(1, 3, H, W)``."""
    from mmdet.registry import MODELS as MMDET
    from mmpose.registry import MODELS as MMPOSE
    from mmseg.registry import MODELS as MMSEG

    models = dict(mmdet=MMDET, mmseg=MMSEG, mmpose=MMPOSE)[cfg.default_scope]
    DefaultScope.get_instance(path.stem, scope_name=cfg.default_scope)
    steps = [t for t in cfg.test_dataloader.dataset.pipeline if t.type != 'LoadAnnotations']
    batch = pseudo_collate([Compose(steps)(sample(cfg, path, meta))])
    return models.build(cfg.model.data_preprocessor)(batch, False)['inputs']


OPENCV5 = int(cv2.__version__.partition('.')[0]) >= 5


@pytest.mark.parametrize(
    'run',
    [pytest.param(r, marks=pytest.mark.extended if r.endswith('427x640') else ()) for r in RUNS],
)
def test_input(run, tmp_path):
    arrays = np.load(GOLDEN / f'{run}.npz')
    name, _, size = run[len('pipeline-') :].partition('@')
    cfg = read_config(name)
    if OPENCV5 and cfg.default_scope == 'mmpose':
        pytest.skip('OpenCV 5 interpolates warped images in another way')
    if name.startswith('ocr_'):
        apply_settings(cfg, read_model(write(name, tmp_path)))
    path = tmp_path / f'{run}.png'
    cv2.imwrite(str(path), photo(*map(int, size.split('x'))))
    found = network_input(cfg, path, json.loads(str(arrays['meta'])))
    assert_recorded(found[0], arrays, run, 'input', 1e-5)

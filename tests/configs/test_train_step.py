"""Every recipe takes a training step and predicts with each kind of backbone, on mini data.

Only each family's smallest variant has its full depth here: of the others, every stage has the
few blocks that its attention mode needs. That each arch in full gives every parameter a gradient
is the contract's to test; that its levels are as wide as necks and heads expect, is tested for
all configs in ``test_configs.py``.
"""

import re

import pytest

from tests.configs.common import NAMES, each_recipe
from tests.configs.steps import step_and_predict

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

# these keep their depth: the smallest variant of each family, with the lightest head
WHOLE = re.compile('semanticfpn_(conformer_ti|transxnet_t|cvt_13|uniformer_xxs|hrformer_t)_80k')
RECIPES = each_recipe()


@pytest.mark.parametrize(
    'name',
    [*RECIPES, *(pytest.param(n, marks=pytest.mark.extended) for n in NAMES if n not in RECIPES)],
)
def test_step_and_prediction(name, mini_root):
    cfg, found = step_and_predict(name, mini_root, whole=bool(WHOLE.match(name)))
    if cfg.default_scope == 'mmseg':
        assert found.pred_sem_seg.shape == found.gt_sem_seg.shape
        heads = cfg.model.decode_head
        classes = (heads[-1] if isinstance(heads, list) else heads).num_classes
        assert found.seg_logits.data.shape[0] == classes
    elif cfg.default_scope == 'mmpose':
        assert found.pred_instances.keypoints.shape == (1, 17, 2)
    else:
        boxes = found.pred_instances.bboxes
        assert boxes.shape == (len(boxes), 4)
        assert ('masks' in found.pred_instances) == ('mask_head' in cfg.model.get('roi_head', {}))

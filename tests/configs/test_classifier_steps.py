"""The ImageNet configs take a training step and predict, on mini data.

Only the smallest variant of each family, and of the light UniFormers, is in the quick tests.
"""

import pytest

from hybrid_backbones.synthetic.classification import CLASSES
from tests.configs.common import CLASSIFIERS
from tests.configs.steps import step_and_predict

pytest.importorskip('mmpretrain')

QUICK = (
    'conformer_ti_',
    'transxnet_t_',
    'cvt_13_',
    'uniformer_xxs_',
    'uniformer_s_',
    'hrformer_t_',
)


@pytest.mark.parametrize(
    'name',
    [
        pytest.param(n, marks=() if any(q in n for q in QUICK) else pytest.mark.extended)
        for n in CLASSIFIERS
    ],
)
def test_step_and_prediction(name, mini_root):
    _, found = step_and_predict(name, mini_root)
    assert found.pred_score.sum().item() == pytest.approx(1)
    assert found.pred_label.item() == found.pred_score.argmax().item()
    assert len(found.pred_score) == len(CLASSES)
    assert 0 <= found.gt_label.item() < len(CLASSES)

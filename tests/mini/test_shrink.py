"""The rule behind --mini: data, classes, picture scale, schedule; nothing else."""

from pathlib import Path

import pytest
from mmengine.config import Config

from hybrid_backbones.engine.settings import SettingsError, load_config
from hybrid_backbones.mini import shrink_config
from hybrid_backbones.mini.scenes import SHAPES

pytest.importorskip('mmdet')

CONFIGS = Path(__file__).parents[2] / 'configs'


def flat(node, path=''):
    """``{'a.b.0': value}`` of a tree of dicts and lists."""
    if isinstance(node, dict):
        items = node.items()
    elif isinstance(node, (list, tuple)):
        items = enumerate(node)
    else:
        return {path: node}
    return {k: v for key, child in items for k, v in flat(child, f'{path}.{key}').items()}


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return tmp_path_factory.mktemp('mini')


@pytest.fixture(scope='module')
def shrunk(root):
    """Both configs, before and after."""
    before = load_config(CONFIGS / 'maskrcnn_uniformer_s_1x.py')
    after = load_config(CONFIGS / 'maskrcnn_uniformer_s_1x.py')
    shrink_config(after, root)
    return before, after


def test_model_and_pipelines_stay(shrunk):
    """Of the model only classes, pretrained weights and numbers of regions change."""
    before, after = (flat(cfg.model.to_dict()) for cfg in shrunk)
    assert '.backbone.init_cfg.checkpoint' not in after
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed == {
        '.backbone.init_cfg.type',
        '.backbone.init_cfg.checkpoint',
        '.roi_head.bbox_head.num_classes',
        '.roi_head.mask_head.num_classes',
        '.train_cfg.rpn_proposal.nms_pre',
        '.train_cfg.rpn_proposal.max_per_img',
        '.train_cfg.rcnn.sampler.num',
        '.test_cfg.rpn.nms_pre',
        '.test_cfg.rpn.max_per_img',
        '.test_cfg.rcnn.max_per_img',
    }
    before, after = (
        [transform['type'] for transform in cfg.train_dataloader.dataset.pipeline] for cfg in shrunk
    )
    assert before == after


def test_classes_and_scale(shrunk, root):
    _, cfg = shrunk
    assert cfg.model.roi_head.bbox_head.num_classes == len(SHAPES)
    for part in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert part.dataset.metainfo.classes == SHAPES
        assert (Path(part.dataset.data_root) / part.dataset.ann_file).is_file()
        assert [t.scale for t in part.dataset.pipeline if t.type == 'Resize'] == [(213, 128)]
    assert Path(cfg.val_evaluator.ann_file).is_file()
    assert cfg.val_evaluator.metric == ['bbox', 'segm']
    assert root in Path(cfg.val_evaluator.ann_file).parents


def test_schedule_keeps_its_shape(shrunk):
    """Steps come at the same fractions of the schedule as in the full one."""
    before, after = shrunk
    steps, full = after.param_scheduler[-1], before.param_scheduler[-1]
    share = after.train_cfg.max_epochs / before.train_cfg.max_epochs
    assert steps.milestones == [round(m * share) for m in full.milestones]
    assert steps.end == after.train_cfg.max_epochs
    assert after.param_scheduler[0].end < before.param_scheduler[0].end
    assert after.optim_wrapper.optimizer.type == 'AdamW'
    assert after.optim_wrapper.paramwise_cfg == before.optim_wrapper.paramwise_cfg


def test_class_counts_of_a_one_stage_detector(root):
    cfg = load_config(CONFIGS / 'retinanet_uniformer_s_1x.py')
    shrink_config(cfg, root)
    assert cfg.model.bbox_head.num_classes == len(SHAPES)


def test_what_it_cannot_shrink(root):
    with pytest.raises(SettingsError, match='detection configs'):
        shrink_config(Config(dict(default_scope='mmseg')), root)
    cfg = load_config(CONFIGS / 'maskrcnn_uniformer_s_1x.py')
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=100)
    with pytest.raises(SettingsError, match='schedules of epochs'):
        shrink_config(cfg, root)

"""Every detection config: builds, has the published recipe, and takes a step on mini data."""

import copy
from pathlib import Path

import pytest
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from hybrid_backbones.engine.settings import load_config
from hybrid_backbones.mini import shrink_config

pytest.importorskip('mmdet')

CONFIGS = Path(__file__).parents[2] / 'configs'
MASK_RCNN_S, MASK_RCNN_B, RETINANET_S = (
    CONFIGS / f'{name}.py'
    for name in ('maskrcnn_uniformer_s_1x', 'maskrcnn_uniformer_b_1x', 'retinanet_uniformer_s_1x')
)
ALL = sorted(CONFIGS.glob('*_1x.py'))


def build(cfg):
    init_default_scope('mmdet')
    from mmdet.registry import MODELS

    return MODELS.build(copy.deepcopy(cfg.model))


@pytest.mark.parametrize('path', ALL, ids=lambda path: path.stem)
def test_builds(path):
    cfg = load_config(path)
    model = build(cfg)
    assert list(cfg.model.neck.in_channels) == list(model.backbone.out_channels)
    assert cfg.model.backbone.init_cfg.type == 'Pretrained'
    assert path.read_text().startswith('# '), 'says what it is and what was published'


# million parameters of the whole detector: UniFormer/object_detection README
@pytest.mark.parametrize('path, params', [(MASK_RCNN_S, 41), (MASK_RCNN_B, 69)])
def test_published_size(path, params):
    model = build(load_config(path))
    assert round(sum(p.numel() for p in model.parameters()) / 1e6) == params


# drop path and recomputation as in the authors' configs; windows of 14, every fourth block global
@pytest.mark.parametrize('path, drop_path', [(MASK_RCNN_S, 0.2), (MASK_RCNN_B, 0.3)])
def test_published_recipe(path, drop_path):
    cfg = load_config(path)
    backbone = cfg.model.backbone
    assert backbone.drop_path_rate == drop_path
    assert (backbone.stage3_attention, backbone.window_size) == ('hybrid', 14)
    assert cfg.train_dataloader.batch_size * 8 == cfg.auto_scale_lr.base_batch_size == 16
    assert not cfg.auto_scale_lr.enable
    assert cfg.train_cfg.max_epochs == 12
    warmup, steps = cfg.param_scheduler
    assert (warmup.type, warmup.start_factor, warmup.end) == ('LinearLR', 0.001, 500)
    assert (steps.type, steps.milestones, steps.gamma) == ('MultiStepLR', [8, 11], 0.1)
    resize = next(t for t in cfg.train_dataloader.dataset.pipeline if t.type == 'Resize')
    assert (resize.scale, resize.keep_ratio) == ((1333, 800), True)
    assert cfg.model.data_preprocessor.pad_size_divisor == 32
    assert cfg.optim_wrapper.type == 'OptimWrapper', 'fp32 unless --amp'
    assert 'clip_grad' not in cfg.optim_wrapper


@pytest.mark.parametrize('path', ALL, ids=lambda path: path.stem)
def test_optimizer_groups(path):
    """Norms are not decayed, all else is; every parameter is in one group."""
    cfg = load_config(path)
    model = build(cfg)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    names = {id(p): name for name, p in model.named_parameters()}
    seen = {}
    for group in optimizer.param_groups:
        assert group['lr'] == 1e-4
        assert group['betas'] == (0.9, 0.999)
        seen.update({names[id(p)]: group['weight_decay'] for p in group['params']})
    assert seen.keys() == {n for n, p in model.named_parameters() if p.requires_grad}
    assert {n for n, decay in seen.items() if decay == 0} == {n for n in seen if 'norm' in n}
    assert set(seen.values()) == {0.0, 0.05}
    assert seen['backbone.stages.2.blocks.0.attn.qkv.bias'] == 0.05
    assert seen['backbone.stem.norm.weight'] == 0.0


@pytest.mark.parametrize(
    'path',
    [pytest.param(p, marks=[pytest.mark.slow] if '_b_' in p.name else []) for p in ALL],
    ids=lambda path: path.stem,
)
def test_a_step_and_an_evaluation(path, tmp_path):
    cfg = load_config(path)
    shrink_config(cfg, tmp_path)
    cfg.work_dir = str(tmp_path / 'work')
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.train_dataloader.update(batch_size=2)
    cfg.train_dataloader.dataset.indices = 2
    cfg.val_dataloader.dataset.indices = 2
    cfg.default_hooks.checkpoint = None
    if 'score_thr' in cfg.model.test_cfg:  # nothing has been learnt: let everything be evaluated
        cfg.model.test_cfg.score_thr = 0.0
    cfg.experiment_name = path.stem
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 1
    stepped = runner.optim_wrapper.optimizer.state
    left = [n for n, p in runner.model.named_parameters() if p.requires_grad and p not in stepped]
    assert not left, 'parameters without a gradient'
    scalars = runner.message_hub.log_scalars
    assert scalars['train/loss'].current() > 0
    assert 'val/coco/bbox_mAP_50' in scalars
    assert ('val/coco/segm_mAP_50' in scalars) == path.name.startswith('maskrcnn')

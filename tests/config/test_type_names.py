"""Classes that a config spells out, under the names that registries have."""

import pytest
from mmengine.config import Config

from hybrid_backbones.config.load import load_config, plain_config
from hybrid_backbones.openmmlab.build import build_on_meta
from hybrid_backbones.openmmlab.library import in_scope
from hybrid_backbones.zoo.create import find_backbone
from tests.configs.common import load
from tests.configs.pure_python import write_pure_python

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

OF_EACH_LIBRARY = (
    'maskrcnn_uniformer_xxs_1x',
    'semanticfpn_uniformer_xxs_80k_ade20k',
    'topdown_hrformer_t_210e_coco_256x192',
)


def types(node):
    """Every ``type`` in a tree, in its order."""
    if isinstance(node, dict):
        yield from [node['type']] if isinstance(node.get('type'), str) else []
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for each in node:
            yield from types(each)


@pytest.mark.parametrize('name', OF_EACH_LIBRARY)
def test_pure_python_is_the_same_config(name, tmp_path):
    """Its file has classes; what is read has the names of the config that it was made from."""
    path = write_pure_python(name, tmp_path / 'lazy.py')
    assert path.read_text().count('import') > 30
    read, expected = load_config(str(path)), load(name)
    for part in ('model', 'train_dataloader', 'test_dataloader', 'test_evaluator', 'default_hooks'):
        assert list(types(read[part])) == list(types(expected[part])), part
    assert set(read) == set(expected), 'what the file imports is no setting'
    assert find_backbone(str(path))[0] in ('UniFormer', 'HRFormer')
    build_on_meta(read, 'it')


def test_a_module_with_the_name_of_a_function():
    """mmengine cannot resolve the dotted name that it writes itself."""
    from mmdet.registry import MODELS

    dotted = 'mmdet.models.losses.smooth_l1_loss.L1Loss'
    assert MODELS.get(dotted) is None
    cfg = plain_config(Config(dict(model=dict(type='mmdet.x.RetinaNet', loss=dict(type=dotted)))))
    assert cfg.model.loss.type == 'L1Loss'
    assert cfg.default_scope == 'mmdet', 'as the model says'


def test_two_classes_of_one_name():
    """MMDetection has a LoadAnnotations of its own; mmcv's is another."""
    with in_scope('mmdet'):
        from mmdet.registry import TRANSFORMS

        for dotted in (
            'mmcv.transforms.loading.LoadAnnotations',
            'mmdet.datasets.transforms.loading.LoadAnnotations',
            'mmdet.datasets.transforms.LoadAnnotations',
        ):
            cfg = plain_config(Config(dict(default_scope='mmdet', step=dict(type=dotted))))
            assert cfg.step.type != dotted
            assert TRANSFORMS.get(cfg.step.type) is TRANSFORMS.get(dotted)


@pytest.mark.parametrize('kind', ['gone.module.Class', 'torch.nn.Nothing', 'mmdet.FPN', 'a..b'])
def test_names_that_stay(kind):
    assert plain_config(Config(dict(part=dict(type=kind)))).part.type == kind

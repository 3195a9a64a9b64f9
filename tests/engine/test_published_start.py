"""Training on from whole models as published, through ``load_from``."""

import pytest
import torch
from mmengine.runner import CheckpointLoader

from hybrid_backbones.engine.handed_over import SCHEME
from hybrid_backbones.engine.published_start import start_from_published
from hybrid_backbones.engine.train import train
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.openmmlab.build import build_model
from hybrid_backbones.zoo.configs import read_config
from tests.tools.commands import share_mini
from tests.weights.test_whole_models import write

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')

NAME = 'maskrcnn_uniformer_xxs_1x'


@pytest.fixture(scope='module')
def file(tmp_path_factory):
    return str(write(NAME, tmp_path_factory.mktemp('published')))


def with_classes(number):
    cfg = read_config(NAME)
    cfg.model.roi_head.bbox_head.num_classes = number
    cfg.model.roi_head.mask_head.num_classes = number
    return cfg


@pytest.mark.parametrize('where', ['load_from', 'init_cfg'])
def test_the_same_classes(file, where):
    cfg = with_classes(80)
    if where == 'load_from':
        cfg.load_from = file
    else:
        cfg.model.init_cfg = dict(type='Pretrained', checkpoint=file)
    (line,) = start_from_published(cfg)
    assert "tensors of the model, by the authors' names" in line
    assert cfg.model.get('init_cfg') is None
    state = CheckpointLoader.load_checkpoint(cfg.load_from)['state_dict']
    model = build_model(cfg)
    assert not any(model.load_state_dict(state))
    saved = torch.load(file, weights_only=False)['state_dict']
    assert torch.equal(
        model.roi_head.bbox_head.fc_cls.bias, saved['roi_head.bbox_head.fc_cls.bias']
    )


def test_other_classes(file):
    cfg = with_classes(3)
    cfg.load_from = file
    _, left_out = start_from_published(cfg)
    layers = ('bbox_head.fc_cls', 'bbox_head.fc_reg', 'mask_head.conv_logits')
    expected = ', '.join(f'roi_head.{layer}' for layer in layers)
    assert left_out == f'left out, of another number of classes: {expected}'
    assert cfg.load_from == SCHEME + file
    state = CheckpointLoader.load_checkpoint(cfg.load_from)['state_dict']
    missing, unexpected = build_model(cfg).load_state_dict(state, strict=False)
    assert not unexpected
    assert {name.rpartition('.')[0] for name in missing} == set(expected.split(', '))


def test_another_model(file):
    cfg = read_config('semanticfpn_uniformer_xxs_80k_ade20k')
    cfg.load_from = file
    with pytest.raises(ConfigError, match='is no checkpoint of this config'):
        start_from_published(cfg)


def test_files_of_ours(tmp_path):
    """Read safely, and loaded as far as names and shapes agree."""
    cfg = with_classes(80)
    file = str(tmp_path / 'ours.pth')
    state = build_model(cfg).state_dict()
    meta = dict(config='raise SystemExit("run by mmengine")')
    torch.save(dict(state_dict=state, meta=meta), file)
    cfg.load_from = file
    assert start_from_published(cfg) == []
    found = CheckpointLoader.load_checkpoint(cfg.load_from)
    assert found['state_dict'].keys() == state.keys() and 'config' not in found['meta']


def test_files_of_others():
    cfg = with_classes(80)
    for source in ('torchvision://resnet50', None):
        cfg.load_from = source
        assert start_from_published(cfg) == []
        assert cfg.load_from == source
    cfg.load_from = 'gone.pth'
    with pytest.raises(ConfigError, match=r'load_from: no checkpoint file gone\.pth'):
        start_from_published(cfg)


@pytest.mark.slow
@pytest.mark.extended
def test_training(file, tmp_path, monkeypatch):
    """By a config's name."""
    monkeypatch.chdir(tmp_path)
    share_mini(tmp_path, ['--mini'])
    options = {
        'load_from': file,
        'train_cfg.max_epochs': 1,
        'train_dataloader.dataset.indices': 4,
        'val_dataloader.dataset.indices': 1,
    }
    folder = train(NAME, mini=True, cfg_options=options)
    (log,) = folder.glob('*/*.log')
    text = log.read_text()
    assert 'maskrcnn_uniformer_xxs_1x.pth: ' in text
    assert 'left out, of another number of classes: roi_head.bbox_head.fc_cls' in text
    assert (folder / 'epoch_1.pth').is_file()

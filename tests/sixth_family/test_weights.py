"""Published files, by the family's own key mapping: loaded with a report, or refused."""

import pytest
import torch

import hybrid_backbones
from hybrid_backbones.errors import CheckpointError
from hybrid_backbones.weights import convert, identify, read_checkpoint
from tests.golden import published_state

NEW = [f'out_norms.{i}.{leaf}' for i in range(4) for leaf in ('weight', 'bias')]


@pytest.fixture
def trained(tiny_hybrid):
    return tiny_hybrid.backbone.TinyHybrid('nano')


@pytest.fixture
def published(tiny_hybrid, trained):
    """As its authors would have saved it: their names, and a classifier."""
    state = tiny_hybrid.key_mapping.AUTHORS.publish(trained.state_dict())
    return dict(state, **{'classifier.weight': torch.zeros(10, 32)})


@pytest.fixture
def file(published, tmp_path):
    torch.save({'model': published}, tmp_path / 'nano.pth')
    return tmp_path / 'nano.pth'


def test_every_weight_has_a_published_name(published, trained):
    """Queries, keys and values apart; the norms on the outputs have none."""
    shapes = {name: tuple(value.shape) for name, value in published.items()}
    assert shapes['layers.2.units.1.query.weight'] == (32, 32)
    assert shapes['layers.1.reduce.kernel'] == (16, 8, 3, 3)
    numbers = sum(v.numel() for k, v in trained.state_dict().items() if k not in NEW)
    assert sum(value.numel() for value in published.values()) == numbers + 320


def test_loaded_with_a_report(file, trained):
    backbone = hybrid_backbones.create_backbone('tinyhybrid_nano')
    found = hybrid_backbones.load_pretrained(backbone, file)
    assert sorted(found.missing_keys) == sorted(NEW)
    assert found.unused_keys == ('classifier.weight',)
    report = str(found)
    assert report.startswith('nano.pth: TinyHybrid, names of authors; ')
    assert 'initial values kept: out_norms (8)' in report
    assert 'not needed here: classifier (1)' in report
    state = trained.state_dict()
    for name, value in backbone.state_dict().items():
        assert name in NEW or torch.equal(value, state[name]), name


def test_of_a_model_that_was_trained_here(trained, tmp_path):
    state = {f'backbone.{name}': value for name, value in trained.state_dict().items()}
    torch.save({'state_dict': dict(state, **{'head.bias': torch.zeros(2)})}, tmp_path / 'epoch.pth')
    backbone = hybrid_backbones.create_backbone('tinyhybrid_nano', tmp_path / 'epoch.pth')
    own = backbone.state_dict()
    assert all(torch.equal(value, own[name]) for name, value in trained.state_dict().items())


def test_pretrained_finds_its_file(published, tmp_path, monkeypatch):
    """In torch's cache, where it would be after a download."""
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    (tmp_path / 'checkpoints').mkdir()
    torch.save(published, tmp_path / 'checkpoints' / 'tiny_hybrid_nano.pth')
    backbone = hybrid_backbones.create_backbone('tinyhybrid_nano', pretrained=True)
    assert torch.equal(backbone.state_dict()['stages.1.blocks.0.dwconv.weight'],
                       published['layers.1.units.0.depthwise.weight'])  # fmt: skip


def test_grey_images(file):
    backbone = hybrid_backbones.create_backbone('tinyhybrid_nano', in_channels=1)
    found = backbone.load_pretrained(file)
    assert 'stem.0.conv.weight' in found.adapted


def test_another_arch_is_named(file):
    backbone = hybrid_backbones.create_backbone('tinyhybrid_micro')
    with pytest.raises(CheckpointError, match=r'is a TinyHybrid of another arch \(nano\)'):
        backbone.load_pretrained(file)


def test_another_family_is_refused(tiny_hybrid, tmp_path, file):
    torch.save(published_state('uniformer_xxs'), tmp_path / 'other.pth')
    backbone = hybrid_backbones.create_backbone('tinyhybrid_nano')
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    with pytest.raises(CheckpointError, match='holds UniFormer, and this is a TinyHybrid'):
        backbone.load_pretrained(tmp_path / 'other.pth')
    assert all(torch.equal(v, before[name]) for name, v in backbone.state_dict().items())
    with pytest.raises(CheckpointError, match='holds TinyHybrid, and this is a UniFormer'):
        hybrid_backbones.create_backbone('uniformer_xxs', file)


def test_converted_and_back(file, published, tmp_path):
    """To our names, and to the authors' again."""
    ours = convert(str(file), str(tmp_path / 'ours.pth'), backbone_only=True)
    key_mapping, prefix = identify(read_checkpoint(ours).state)
    assert (key_mapping.family, key_mapping.source, prefix) == (
        'TinyHybrid',
        'hybrid_backbones',
        '',
    )
    theirs = read_checkpoint(convert(str(ours), str(tmp_path / 'theirs.pth'), official=True)).state
    assert theirs.keys() == published.keys() - {'classifier.weight'}
    assert all(torch.equal(value, published[name]) for name, value in theirs.items())

"""Classifiers in MMPretrain's configs: losses, predictions, and files from and for others."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS

from hybrid_backbones import create_backbone
from hybrid_backbones.classifiers import ImageClassifier
from hybrid_backbones.errors import CheckpointError, ConfigError
from hybrid_backbones.openmmlab.library import in_scope
from hybrid_backbones.openmmlab.published import load_into
from hybrid_backbones.weights import read_model
from tests.classifiers.small import ARCHS, small
from tests.classifiers.test_load import WAYS

pytest.importorskip('mmpretrain')

FAMILIES = dict(conformer='Conformer', cvt='CvT', hrformer='HRFormer', transxnet='TransXNet')
CLASSES = 5
IMAGES = torch.randn(2, 3, 64, 64)


def config(name, **options):
    family = FAMILIES.get(name.split('_')[0], 'UniFormer')
    backbone = dict(type=f'hybrid_backbones.{family}', arch=ARCHS.get(name, name), **options)
    head = dict(num_classes=CLASSES, loss=dict(type='CrossEntropyLoss'))
    return dict(type='hybrid_backbones.ImageClassifier', backbone=backbone, head=head)


def build(name, **options):
    with in_scope('mmpretrain'):
        return MODELS.build(config(name, **options))


def samples(*labels):
    from mmpretrain.structures import DataSample

    return [DataSample().set_gt_label(label) for label in labels]


@pytest.mark.parametrize('name', ARCHS)
def test_losses(name):
    """The mean of the two classifiers' losses, where there are two; every weight learns."""
    model = build(name).train()
    losses = model(IMAGES, samples(1, 4), mode='loss')
    pairs = name.startswith('conformer') or name == 'uniformer_xxs'
    assert set(losses) == ({'loss_0', 'loss_1'} if pairs else {'loss'})
    sum(losses.values()).backward()
    left = [n for n, p in model.named_parameters() if p.grad is None]
    assert not left, 'parameters without a gradient, which DDP would wait for'

    model.eval()
    expected = F.cross_entropy(model(IMAGES), torch.tensor([1, 4])).item()
    assert model(IMAGES, samples(1, 4), mode='loss')['loss'].item() == pytest.approx(expected)


def test_mean_of_two_losses():
    model = build('conformer_tiny_patch16').train()
    first, second = model(IMAGES)
    losses = model(IMAGES, samples(1, 4), mode='loss')
    target = torch.tensor([1, 4])
    assert losses['loss_0'].item() == pytest.approx(F.cross_entropy(first, target).item() / 2)
    assert losses['loss_1'].item() == pytest.approx(F.cross_entropy(second, target).item() / 2)


def test_mixed_images():
    """Labels are then scores of all classes."""
    model = build('uniformer_small').eval()
    mixed = samples(0, 0)
    for sample in mixed:
        sample.set_gt_score(torch.tensor([0.3, 0.7, 0.0, 0.0, 0.0]))
    expected = F.cross_entropy(model(IMAGES), torch.stack([s.gt_score for s in mixed]))
    with in_scope('mmpretrain'):
        loss = dict(type='CrossEntropyLoss', use_soft=True)
        model.loss_module = MODELS.build(loss)
    assert model(IMAGES, mixed, mode='loss')['loss'].item() == pytest.approx(expected.item())


def test_predictions():
    model = build('cvt_13').eval()
    with torch.inference_mode():
        logits = model(IMAGES)
        found = model(IMAGES, samples(0, 1), mode='predict')
    for sample, expected in zip(found, logits):
        assert torch.equal(sample.pred_score, expected.softmax(0))
        assert sample.pred_label.tolist() == [int(expected.argmax())]


def test_augmentations_of_batches_know_the_classes():
    """`model.head.num_classes` is the only place where their number stands."""
    with in_scope('mmpretrain'):
        model = MODELS.build(
            dict(config('uniformer_small'), train_cfg=dict(augments=dict(type='Mixup', alpha=0.8)))
        )
    data = dict(inputs=[torch.zeros(3, 64, 64)] * 2, data_samples=samples(0, 1))
    mixed = model.data_preprocessor(data, training=True)['data_samples']
    assert [len(sample.gt_score) for sample in mixed] == [CLASSES, CLASSES]


@pytest.mark.parametrize('name, way', WAYS)
def test_published_files(name, way, tmp_path):
    """Test and predict take them, by whoever's names."""
    theirs = small(name).eval()
    torch.save(way(theirs), tmp_path / 'theirs.pth')
    model = build(name).eval()
    load_into(model, read_model(tmp_path / 'theirs.pth'))
    with torch.inference_mode():
        assert torch.equal(model(IMAGES), theirs(IMAGES))


def test_files_without_a_classifier(tmp_path):
    torch.save(create_backbone('cvt_13', arch=ARCHS['cvt_13']).state_dict(), tmp_path / 'b.pth')
    with pytest.raises(CheckpointError, match=r'b\.pth has no classifier'):
        load_into(build('cvt_13'), read_model(tmp_path / 'b.pth'))
    torch.save(small('cvt_13', num_classes=7).state_dict(), tmp_path / 'other.pth')
    with pytest.raises(ConfigError, match=r'head\.head\.weight.*for other classes'):
        load_into(build('cvt_13'), read_model(tmp_path / 'other.pth'))


@pytest.mark.parametrize('name', ARCHS)
def test_on_to_dense_tasks(name, tmp_path):
    """A checkpoint of such a training is one for the backbone, and for `create_classifier`."""
    model = build(name).eval()
    state = {
        key: value + 1 if value.is_floating_point() else value
        for key, value in model.state_dict().items()
    }
    torch.save(dict(state_dict=state, meta=dict(epoch=1)), tmp_path / 'epoch_1.pth')
    options = dict(out_indices=(0, 1, 2)) if name == 'cvt_13' else {}
    backbone = create_backbone(name, tmp_path / 'epoch_1.pth', arch=ARCHS[name], **options)
    loaded = {k: v for k, v in backbone.state_dict().items() if not k.startswith('out_norms.')}
    assert loaded
    for key, value in loaded.items():
        assert torch.equal(value, state[f'backbone.{key}']), key
    classifier = small(name, tmp_path / 'epoch_1.pth')
    for key, value in classifier.state_dict().items():
        assert torch.equal(value, state[key]), key


def test_pretrained_backbone(tmp_path):
    """As of detectors: `init_cfg` of the backbone."""
    theirs = small('cvt_13')
    torch.save(theirs.state_dict(), tmp_path / 'c.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'c.pth'))
    model = build('cvt_13', init_cfg=init_cfg)
    model.init_weights()
    for key, value in theirs.backbone.state_dict().items():
        assert torch.equal(model.backbone.state_dict()[key], value)


def test_token_labelling():
    """It can be tested, not trained: there is no label for each position."""
    model = build('small_tl')
    assert model.eval()(IMAGES).shape == (2, CLASSES)
    with pytest.raises(ConfigError, match='token labelling needs a label for each position'):
        model.train()(IMAGES, samples(0, 1), mode='loss')


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(backbone=dict(type='ResNet', depth=18)), 'must be of hybrid_backbones, got ResNet'),
        (dict(head=dict(num_classes=5)), 'head has num_classes; it must have num_classes and loss'),
        (dict(head=dict(type='LinearClsHead', num_classes=5, loss={})), 'head has type, '),
    ],
)
def test_wrong_settings(change, message):
    given = {**config('cvt_13'), **change}
    given.pop('type')
    with in_scope('mmpretrain'), pytest.raises(ConfigError, match=message):
        ImageClassifier(**given)


def test_what_the_head_decides():
    with pytest.raises(ConfigError, match="no option 'out_indices'"):
        build('cvt_13', out_indices=(2,))

"""Files with a classifier, as all who publish them name their weights; and others."""

import pytest
import torch

from hybrid_backbones import create_backbone, load_pretrained
from hybrid_backbones.classifiers import load, load_classifier
from hybrid_backbones.errors import CheckpointError
from hybrid_backbones.weights import KEY_MAPPINGS, convert
from tests.classifiers.small import ARCHS, small
from tests.golden import manifest

IMAGE = torch.randn(1, 3, 64, 96)


def under(prefix, state):
    return {prefix + key: value for key, value in state.items()}


def key_mapping(family, source):
    return next(m for m in KEY_MAPPINGS if (m.family, m.source) == (family, source))


def logits(classifier):
    with torch.inference_mode():
        return classifier.eval()(IMAGE)


def parts(classifier, source):
    family = type(classifier.backbone).__name__
    return (
        key_mapping(family, source).publish(classifier.backbone.state_dict()),
        classifier.head.state_dict(),
    )


def as_openmmlab(classifier):
    """MMPretrain's Conformer keeps the norm in its backbone."""
    backbone, head = parts(classifier, 'OpenMMLab')
    norm = {key: value for key, value in head.items() if key.startswith('trans_norm.')}
    rest = {key: value for key, value in head.items() if key not in norm}
    return {'state_dict': {**under('backbone.', {**backbone, **norm}), **under('head.', rest)}}


def as_hugging_face(classifier):
    backbone, head = parts(classifier, 'Hugging Face')
    theirs = {'norm': 'layernorm', 'head': 'classifier'}
    head = {f'{theirs[k.split(".")[0]]}.{k.split(".")[1]}': value for k, value in head.items()}
    return {**under('cvt.', backbone), **head}


def as_authors(classifier):
    backbone, head = parts(classifier, 'authors')
    return {'model': {**backbone, **head}}


def as_authors_in_parallel(classifier):
    backbone, head = parts(classifier, 'authors')
    return {'state_dict': under('module.', {**backbone, **head})}


def as_ours(classifier):
    return classifier.state_dict()


def as_ours_in_parallel(classifier):
    return {'state_dict': under('module.', classifier.state_dict())}


WAYS = [
    *((name, way) for name in ARCHS for way in (as_authors, as_ours)),
    ('conformer_tiny_patch16', as_openmmlab),
    ('cvt_13', as_hugging_face),
    ('cvt_13', as_authors_in_parallel),
    ('cvt_13', as_ours_in_parallel),
]


@pytest.mark.parametrize('name, way', WAYS)
def test_names(name, way, tmp_path):
    """Nothing is missing, and nothing left over."""
    classifier = small(name)
    expected = logits(classifier)
    path = tmp_path / 'weights.pth'
    torch.save(way(classifier), path)
    other = small(name)
    found = load_classifier(other, path)
    assert torch.equal(logits(other), expected)
    counters = {key for key in other.state_dict() if key.endswith('num_batches_tracked')}
    assert set(found.missing_keys) <= counters and len(found.state) >= found.expected - len(
        counters
    )
    assert found.unused_keys == () and found.other_keys == 0
    assert 'not needed here' not in str(found)


def test_converted(tmp_path):
    """By `convert`, which renames the backbone."""
    classifier = small('cvt_13')
    torch.save(as_authors(classifier), tmp_path / 'theirs.pth')
    path = convert(str(tmp_path / 'theirs.pth'), str(tmp_path / 'ours.pth'))
    assert torch.equal(logits(small('cvt_13', path)), logits(classifier))


@pytest.mark.parametrize('name', ARCHS)
def test_backbone_of_a_classifier(name, tmp_path):
    """The same file is where a detector begins."""
    classifier = small(name)
    torch.save(classifier.state_dict(), tmp_path / 'trained.pth')
    backbone = create_backbone(name, arch=ARCHS[name], out_indices=(0, 1, 2))
    load_pretrained(backbone, tmp_path / 'trained.pth')
    trained = classifier.backbone.state_dict()
    for key, value in backbone.state_dict().items():
        if not key.startswith('out_norms.') and key in trained:
            assert torch.equal(value, trained[key]), key


def test_other_classes(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(load, 'print_log', lambda line, **options: said.append(line))
    trained = small('conformer_tiny_patch16')
    torch.save(trained.state_dict(), tmp_path / 'weights.pth')
    classifier = small('conformer_tiny_patch16', num_classes=3)
    begun = classifier.head.conv_cls_head.weight.clone()
    found = load_classifier(classifier, tmp_path / 'weights.pth')
    assert set(found.missing_keys) == {
        f'head.{layer}.{leaf}'
        for layer in ('conv_cls_head', 'trans_cls_head')
        for leaf in ('weight', 'bias')
    }
    assert torch.equal(classifier.head.conv_cls_head.weight, begun)
    same = classifier.backbone.stages[0].cls_token, trained.backbone.stages[0].cls_token
    assert torch.equal(*same)
    assert 'weights.pth has 5 classes, this classifier 3: its conv_cls_head and' in said[-1]


def refusal(name, state, tmp_path, **options):
    """The one line; and nothing has been loaded."""
    torch.save(state, tmp_path / 'weights.pth')
    classifier = small(name, **options)
    before = {key: value.clone() for key, value in classifier.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        load_classifier(classifier, tmp_path / 'weights.pth')
    assert all(torch.equal(value, before[k]) for k, value in classifier.state_dict().items())
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_files_without_a_classifier(tmp_path):
    for name in ARCHS:
        state = under('backbone.', small(name).backbone.state_dict())
        said = refusal(name, {**state, 'bbox_head.fc_cls.weight': torch.ones(5, 2)}, tmp_path)
        assert 'has no classifier for this network: it lacks' in said, name
    state = small('cvt_13').state_dict()
    del state['head.head.bias']
    assert 'it lacks head.bias;' in refusal('cvt_13', state, tmp_path)


def test_another_classifier(tmp_path):
    state = small('uniformer_small').state_dict()
    state['head.aux_head.weight'] = torch.ones(5, 64)
    assert 'head.aux_head.weight is only in the file' in refusal('uniformer_small', state, tmp_path)
    state = small('cvt_13').state_dict()
    state['head.norm.bias'] = torch.ones(65)
    said = refusal('cvt_13', state, tmp_path)
    assert 'norm.bias is (65,) there and (64,) here' in said


def test_another_family(tmp_path):
    said = refusal('cvt_13', small('transxnet_t').state_dict(), tmp_path)
    assert 'holds TransXNet, and this is a CvT' in said


def test_published_names_are_known():
    """The classifiers' names, of all published files."""
    for name in (
        'conformer_base_patch16',
        'cvt_w24',
        'hrformer_base',
        'transxnet_b',
        'uniformer_xs',
    ):
        info = manifest(name)
        mapping = key_mapping(
            type(small_of(name).backbone).__name__,
            'authors',
        )
        (dense, *_) = info['dense'].values()
        keys = {key for key, *_ in info['cls_state']} & set(dense['cls_only'])
        named = {key for key in keys if mapping.to_classifier(key)}
        assert {k for k in keys - named if 'relative_position_index' not in k} == set(), name


def small_of(name):
    return small(next(each for each in ARCHS if each.split('_')[0] == name.split('_')[0]))

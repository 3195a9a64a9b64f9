"""All dicts of a config, with their paths."""

from mmengine.config import ConfigDict

from hybrid_backbones.config.traverse import scale_sizes, walk


def test_walk():
    inner, last = dict(x=1), dict()
    tree = ConfigDict(a=[inner, (2, last)], b=dict(c=None))
    found = list(walk(tree, ('model',)))
    paths = [('model',), ('model', 'a', 0), ('model', 'a', 1, 1), ('model', 'b')]
    assert [path for path, _ in found] == paths
    assert found[0][1] is tree
    assert found[1][1] == inner
    assert list(walk(5)) == list(walk('text')) == []


def test_dicts_may_be_changed():
    tree = dict(a=dict(type='A'), b=dict(type='B'))
    for _, node in walk(tree):
        node['new'] = 1
        node.pop('type', None)
    assert tree == dict(a=dict(new=1), b=dict(new=1), new=1)


def test_sizes_are_scaled_and_fractions_stay():
    pipeline = [
        dict(type='Resize', scale=(1333, 800)),
        dict(type='RandomChoiceResize', scales=[(480, 1333), (800, 1333)]),
        dict(type='RandomResize', scale=(2048, 512), ratio_range=(0.5, 2.0)),
        dict(type='RandomCrop', crop_size=(0.5, 1.0)),
        dict(type='RandomCrop', crop_size=(100, 100)),
    ]
    scale_sizes(pipeline, 0.25)
    assert pipeline[0]['scale'] == (333, 200)
    assert pipeline[1]['scales'] == [(120, 333), (200, 333)]
    assert pipeline[2] == dict(type='RandomResize', scale=(512, 128), ratio_range=(0.5, 2.0))
    assert pipeline[3]['crop_size'] == (0.5, 1.0)
    assert pipeline[4]['crop_size'] == (32, 32), 'no smaller'

"""All dicts of a config, with their paths."""

from mmengine.config import ConfigDict

from hybrid_backbones.config.traverse import walk


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

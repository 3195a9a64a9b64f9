"""Which library a config is for, and building its model there."""

import sys

import pytest
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.openmmlab.build import build_in_scope, build_model, build_on_meta
from hybrid_backbones.openmmlab.library import LIBRARIES, import_library, in_scope, library_of

RESNET = dict(type='ResNet', depth=18)


@pytest.mark.parametrize('library', LIBRARIES)
def test_library_of(library):
    assert library_of(Config(dict(default_scope=library))) == library


@pytest.mark.parametrize('scope', ['mmrotate', None, 5])
def test_other_library(scope):
    message = f'default_scope must be one of mmdet, mmseg, mmpose, mmpretrain, got {scope!r}'
    with pytest.raises(ConfigError) as caught:
        library_of(Config(dict(default_scope=scope)))
    assert str(caught.value) == message
    with pytest.raises(ConfigError) as caught:
        library_of(Config(dict(default_scope=scope)), 'mine.py')
    assert str(caught.value) == f'mine.py: {message}'


def current_scope():
    scope = DefaultScope.get_current_instance()
    return scope and scope.scope_name


@pytest.mark.parametrize('library', LIBRARIES)
def test_scope(library):
    """A name without a prefix is the library's inside, and the process's scope stays."""
    pytest.importorskip(library)
    before = current_scope()
    import_library(library)
    assert current_scope() == before
    with in_scope(library):
        assert current_scope() == library
        model = MODELS.build(RESNET)
    assert current_scope() == before
    assert type(model).__module__.startswith(f'{library}.')
    assert type(build_in_scope(library, RESNET)) is type(model)


def test_build_model():
    pytest.importorskip('mmdet')
    cfg = Config(dict(default_scope='mmdet', model=RESNET))
    assert build_model(cfg).training
    model = build_on_meta(cfg, 'mine.py')
    assert not model.training
    assert {p.device.type for p in model.parameters()} == {'meta'}
    for build in (build_model, build_on_meta):
        with pytest.raises(ConfigError, match=r'mine\.py has no model'):
            build(Config(dict(default_scope='mmdet')), 'mine.py')
    cfg.model.depth = 19
    with pytest.raises(ConfigError, match=r'the model of mine\.py cannot be built: KeyError: .*19'):
        build_on_meta(cfg, 'mine.py')


def test_missing_library(monkeypatch):
    """An ImportError, from which the command line makes an advice."""
    monkeypatch.setitem(sys.modules, 'mmdet.utils', None)
    cfg = Config(dict(default_scope='mmdet', model=RESNET))
    for build in (build_model, lambda cfg: build_on_meta(cfg, 'mine.py')):
        with pytest.raises(ImportError):
            build(cfg)

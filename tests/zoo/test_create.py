"""Building backbones by name, with random weights, published ones and those of a file."""

import inspect
from pathlib import Path

import pytest
import torch

import hybrid_backbones
from hybrid_backbones import backbones, create_backbone, list_backbones, load_pretrained
from hybrid_backbones.backbones import families
from hybrid_backbones.errors import CheckpointError, ConfigError
from hybrid_backbones.weights import PRETRAINED, LoadResult
from hybrid_backbones.zoo.create import RANDOM, load_backbone
from tests.golden import manifest, published_state

FAMILIES = tuple(families())


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A download cache and a working directory of their own; nothing can be downloaded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', lambda *args: pytest.fail(f'{args}'))
    return tmp_path / 'hub' / 'checkpoints'


def zeros(variant):
    """A published checkpoint's names and shapes in a file of a few kilobytes."""
    return {k: torch.zeros(()).expand(shape) for k, shape, *_ in manifest(variant)['cls_state']}


def save(state, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({'model': state}, path)
    return path


def refusal(error, *args, **kwargs):
    """The message, which is one line."""
    with pytest.raises(error) as caught:
        create_backbone(*args, **kwargs)
    assert '\n' not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize('name', list_backbones())
def test_every_backbone(name):
    with torch.device('meta'):
        backbone = create_backbone(name)
    family, _, arch = name.partition('_')
    cls = {each.lower(): getattr(backbones, each) for each in FAMILIES}[family]
    assert type(backbone) is cls
    assert backbone.arch == cls.archs[arch]
    assert backbone.out_indices == (0, 1, 2, 3) and backbone.training


def test_alias_and_options():
    options = dict(out_indices=(1, 2), drop_path_rate=0.1, frozen_stages=1, window_size=5)
    with torch.device('meta'):
        short, long = (create_backbone(n, **options) for n in ('hrformer_t', 'hrformer_tiny'))
    for backbone in (short, long):
        assert backbone.out_indices == (1, 2) and backbone.frozen_stages == 1
        assert repr(backbone) == repr(long)
    assert options == dict(out_indices=(1, 2), drop_path_rate=0.1, frozen_stages=1, window_size=5)


def test_weights_are_random():
    torch.manual_seed(1)
    first, second = (create_backbone('uniformer_xxs', out_indices=(0,)) for _ in range(2))
    assert not torch.equal(next(first.parameters()), next(second.parameters()))


def test_a_config_stands_for_its_backbone(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text(
        "model = dict(type='Mine', backbone=dict(type='hybrid_backbones.UniFormer', arch='xxs', "
        "out_indices=(1, 3), with_cp=True, init_cfg=dict(type='Pretrained', checkpoint='no.pth')))"
    )
    with torch.device('meta'):
        backbone = create_backbone(str(path), drop_path_rate=0.1)
    assert backbone.arch == backbones.UniFormer.archs['xxs']
    assert backbone.out_indices == (1, 3) and backbone.with_cp is True
    assert backbone.init_cfg is None
    path.write_text("model = dict(backbone=dict(type='ResNet'))")
    assert 'its backbone is ResNet, none of' in refusal(ConfigError, str(path))


BEST = {
    'conformer_tiny_patch16': 'conformer-tiny-p16_3rdparty_8xb128_in1k_20211206-f6860372.pth',
    'conformer_base_patch16': 'conformer-base-p16_3rdparty_8xb128_in1k_20211206-bfdf8637.pth',
    'cvt_13': 'cvt-13-384-22k.bin',
    'cvt_21': 'cvt-21-384-22k.bin',
    'hrformer_small': 'hrformer_small-09516375_20220226.pth',
    'transxnet_t': 'transx-t.pth.tar',
    'transxnet_b': 'transx-b-384.pth.tar',
    'uniformer_base': 'uniformer_base_in1k.pth',
}


@pytest.mark.parametrize('name', ['transxnet_t', 'hrformer_small'])
def test_pretrained_is_downloaded_once(name, cache, monkeypatch):
    """It is the direct file; hrformer_small has another one, on a page."""
    state = published_state(name)
    fetched = []

    def download(url, path, hash_prefix=None, progress=True):
        fetched.append(url)
        save(state, Path(path))

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for _ in range(2):
        backbone = create_backbone(name, pretrained=True, out_indices=(0, 1))
    (file,) = (each for each in PRETRAINED if each.file == BEST[name])
    assert fetched == [file.url]
    assert [path.name for path in cache.iterdir()] == [file.file]
    expected = create_backbone(name, pretrained=cache / file.file, out_indices=(0, 1))
    random = create_backbone(name, out_indices=(0, 1)).state_dict()
    there = [key for key in expected.state_dict() if key.startswith('stages.0')]
    assert all(torch.equal(backbone.state_dict()[k], expected.state_dict()[k]) for k in there)
    assert not all(torch.equal(backbone.state_dict()[k], random[k]) for k in there)


@pytest.mark.parametrize('name', BEST)
def test_the_best_file_is_asked_for(name, cache, monkeypatch):
    """The highest published accuracy of those that need no browser."""
    asked = []

    def offline(url, *args):
        asked.append(url)
        raise OSError('no network')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    with torch.device('meta'):
        message = refusal(CheckpointError, name, pretrained=True)
    (file,) = (each for each in PRETRAINED if each.file == BEST[name])
    assert asked == [file.url] and file.direct
    rivals = [f for f in PRETRAINED if (f.family, f.arch) == (file.family, file.arch) and f.direct]
    assert max(f.top1 or 0 for f in rivals) == (file.top1 or 0)
    assert f'cannot download {file.url} (no network)' in message
    assert f'save it as {cache / file.file}' in message


@pytest.mark.parametrize('folder', ['hub/checkpoints', 'pretrained'])
@pytest.mark.parametrize(
    'name, file',
    [('transxnet_t', 'transx-t.pth.tar'), ('uniformer_xxs', 'uniformer_xxs_224.pth')],
    ids=['direct', 'page'],
)
def test_a_file_that_is_there_is_not_downloaded(name, file, folder, cache, tmp_path):
    save(zeros(name), tmp_path / folder / file)
    backbone = create_backbone(name, pretrained=True, out_indices=(0,))
    assert not backbone.stem.state_dict().popitem()[1].any(), 'zeros, as in the file'


def test_a_file_behind_a_page(cache):
    """The message says what to do, and the next call finds what has been done."""
    message = refusal(CheckpointError, 'uniformer_xxs', pretrained=True)
    path = message.rpartition(' save the file as ')[2]
    assert path == str(cache / 'uniformer_xxs_224.pth')
    assert 'open https://drive.google.com/file/d/1Cw9r_3c30N-esFI8RFYa6rQXJrr1rAHY in' in message
    save(zeros('uniformer_xxs'), Path(path))
    create_backbone('uniformer_xxs', pretrained=True, out_indices=(0,))


@pytest.mark.parametrize('arch', [dict(depths=(1, 1, 1, 1)), 'base_dim64'])
def test_an_arch_without_published_weights(arch, cache, monkeypatch):
    monkeypatch.setitem(backbones.UniFormer.archs, 'base_dim64', None)
    message = refusal(CheckpointError, 'uniformer_base', pretrained=True, arch=arch)
    assert message.startswith('there are no published weights for ')


@pytest.mark.parametrize('kind', [str, Path])
def test_weights_of_a_file(kind, cache, tmp_path):
    path = save(zeros('transxnet_t'), tmp_path / 'mine.pth')
    backbone = create_backbone('transxnet_t', pretrained=kind(path), out_indices=(0,))
    assert not backbone.stem.conv.weight.any()
    assert 'no checkpoint file gone.pth' in refusal(CheckpointError, 'cvt_13', 'gone.pth')
    message = refusal(CheckpointError, 'uniformer_xxs', path)
    assert message == 'mine.pth holds TransXNet, and this is a UniFormer'


@pytest.mark.parametrize('value', [None, 1, 0, '', ['a.pth'], dict(checkpoint='a.pth')])
def test_pretrained_of_another_kind(value):
    message = refusal(ConfigError, 'transxnet_t', pretrained=value)
    assert message == (
        f'pretrained must be True, False, or the path or URL of a checkpoint, got {value!r}'
    )


@pytest.mark.parametrize(
    'name, options, parts',
    [
        ('uniformer_smal', {}, ["no backbone 'uniformer_smal'; close: ", 'uniformer_small']),
        ('cvt_13', dict(drop_path=0.1), ["CvT has no option 'drop_path'; close: drop_path_rate"]),
        ('cvt_13', dict(zzz=1), ["CvT has no option 'zzz'; it takes arch, out_indices, ", 'norm']),
        ('cvt_13', dict(init_cfg=None), ["no option 'init_cfg'"]),
        ('cvt_13', dict(out_indices=(4,)), ['out_indices must be rising levels', '(4,)']),
        ('cvt_13', dict(arch='14'), ["CvT has no arch '14'; it has 13, 21, w24"]),
        ('maskrcnn_uniformer_s_2x', {}, ["'maskrcnn_uniformer_s_2x'"]),
        ('gone.py', {}, ['no config file gone.py']),
    ],
)
def test_refusals(name, options, parts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = refusal(ConfigError, name, **options)
    for part in parts:
        assert part in message


def test_options_are_listed_in_full():
    message = refusal(ConfigError, 'hrformer_tiny', zzz=1)
    known = [p for p in inspect.signature(backbones.HRFormer).parameters if p != 'init_cfg']
    assert message.endswith(f'it takes {", ".join(known)}')


def test_load_pretrained(tmp_path):
    backbone = create_backbone('uniformer_xxs', out_indices=(0,))
    state = {f'model.{k}': torch.ones_like(v) for k, v in backbone.state_dict().items()}
    path = save({**state, 'neck.weight': torch.ones(3)}, tmp_path / 'whole.pth')
    result = load_pretrained(backbone, path, prefix='model')
    assert isinstance(result, LoadResult)
    assert (result.file, len(result.state), result.expected) == ('whole.pth', *2 * (len(state),))
    assert all(bool((value == 1).all()) for value in backbone.state_dict().values())
    with pytest.raises(CheckpointError, match=r"no names that begin with 'encoder.'"):
        load_pretrained(backbone, str(path), prefix='encoder')
    with pytest.raises(TypeError, match=r'takes a backbone of this package; .* got a Linear'):
        load_pretrained(torch.nn.Linear(1, 1), path)


def test_load_backbone(tmp_path):
    """For looking into: eval mode, and the same random weights again."""
    (first, name, weights), (second, *_) = (load_backbone('uniformer_xxs') for _ in range(2))
    assert (name, weights, first.training) == ('uniformer_xxs', RANDOM, False)
    assert all(torch.equal(v, second.state_dict()[k]) for k, v in first.state_dict().items())
    path = save(second.state_dict(), tmp_path / 'mine.pth')
    loaded = load_backbone('uniformer_xxs', str(path), dict(out_indices=(0,)))
    assert loaded.weights == 'mine.pth' and loaded.backbone.out_indices == (0,)


def test_public_names():
    """Each can be imported from the package, which type checkers know as well."""
    for name in hybrid_backbones.__all__:
        assert getattr(hybrid_backbones, name) is not None
        assert name in dir(hybrid_backbones)
    text = Path(hybrid_backbones.__file__).read_text(encoding='utf-8')
    for name, module in hybrid_backbones._HOME.items():
        assert f'    from .{module} import {name} as {name}\n' in text
    with pytest.raises(AttributeError, match="no attribute 'create_model'"):
        getattr(hybrid_backbones, 'create_model')  # noqa: B009

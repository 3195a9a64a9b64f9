"""Files as they are found in the wild: taken whole, or refused whole, with the reason."""

import copy
import http.server
import pickle
import threading
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import PretrainedInit

from hybrid_backbones import UniFormer, load_pretrained
from hybrid_backbones.errors import CheckpointError, ConfigError
from hybrid_backbones.weights import allow_mmengine_pickles, convert, read_checkpoint
from hybrid_backbones.weights.families.uniformer import AUTHORS
from hybrid_backbones.weights.open_file import open_file, torch_is_trusted
from hybrid_backbones.weights.tensors import find_invalid
from tests.golden import manifest, published_state


def zeros(variant):
    """A published checkpoint's names and shapes in a file of a few kilobytes."""
    return {k: torch.zeros(()).expand(shape) for k, shape, *_ in manifest(variant)['cls_state']}


def build(checkpoint, arch='small', prefix=None, **options):
    cfg = dict(type='Pretrained', checkpoint=str(checkpoint))
    if prefix:
        cfg['prefix'] = prefix
    return UniFormer(arch, init_cfg=cfg, **options)


def refusal(backbone):
    """The message of a refusal; nothing may have been loaded."""
    before = {k: v.clone() for k, v in backbone.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        backbone.init_weights()
    assert all(torch.equal(v, before[k]) for k, v in backbone.state_dict().items())
    message = str(caught.value)
    assert '\n' not in message
    return message


@pytest.fixture(scope='module')
def small():
    return published_state('uniformer_small')


@pytest.fixture(scope='module')
def dense():
    return published_state('uniformer_small', 'global')


def save(content, path):
    torch.save(content, path)
    return path


def assert_loaded(backbone, state):
    assert torch.equal(
        backbone.stages[2].blocks[5].attn.qkv.weight, state['blocks3.5.attn.qkv.weight']
    )
    assert torch.equal(backbone.stem.proj.bias, state['patch_embed1.proj.bias'])
    assert torch.equal(
        backbone.stages[0].blocks[1].norm2.running_var, state['blocks1.1.norm2.running_var']
    )


@pytest.mark.parametrize('wrapper', [None, 'model', 'state_dict', 'state_dict_ema', 'model_ema'])
@pytest.mark.parametrize('prefix', ['', 'module.', 'backbone.', 'module.backbone.'])
def test_wrappers_and_prefixes(tmp_path, small, wrapper, prefix, capfd):
    state = {prefix + k: v for k, v in small.items()}
    content = {wrapper: state, 'epoch': 300, 'args': dict(lr=1e-3)} if wrapper else state
    backbone = build(save(content, tmp_path / 'file.pth.tar'))
    backbone.init_weights()
    assert_loaded(backbone, small)


ORDER = ('model', 'state_dict', 'state_dict_ema', 'model_ema')


@pytest.mark.parametrize('first, second', zip(ORDER, ORDER[1:]))
def test_as_the_authors_loader_the_first_wrapper_wins(tmp_path, small, first, second):
    other = {k: v + 1 if v.is_floating_point() else v for k, v in small.items()}
    path = save({second: other, first: small}, tmp_path / 'both.pth')
    backbone = build(path)
    backbone.init_weights()
    assert_loaded(backbone, small)


def test_safetensors(tmp_path, small):
    safetensors = pytest.importorskip('safetensors.torch')
    safetensors.save_file(small, tmp_path / 'file.safetensors')
    backbone = build(tmp_path / 'file.safetensors')
    backbone.init_weights()
    assert_loaded(backbone, small)
    (tmp_path / 'bad.safetensors').write_bytes(b'not one')
    assert 'is no safetensors file' in refusal(build(tmp_path / 'bad.safetensors'))


def found_in(path, **options):
    """The report and the warnings that a user sees."""
    lines = []
    import hybrid_backbones.backbones.base as base

    original = base.print_log
    base.print_log = lambda message, *a, **k: lines.append(message)
    try:
        backbone = build(path, **options)
        backbone.init_weights()
    finally:
        base.print_log = original
    return backbone, lines


def test_report_of_an_imagenet_file(tmp_path, small):
    _, lines = found_in(save({'model': small}, tmp_path / 'uniformer_small_in1k.pth'))
    assert lines == [
        'uniformer_small_in1k.pth: UniFormer, names of authors; 324 of 332 tensors loaded\n'
        '  not in the file, initial values kept: out_norms (8)\n'
        '  in the file, not needed here: norm (5), head (2)'
    ]


def test_dense_file_has_the_output_norms(tmp_path, dense):
    backbone, lines = found_in(save({'state_dict': dense}, tmp_path / 'dense.pth'))
    assert '332 of 332 tensors loaded' in lines[0]
    assert torch.equal(backbone.out_norms['2'].weight, dense['norm3.weight'])


@pytest.mark.parametrize('prefix', [None, 'backbone.', 'backbone'])
def test_backbone_of_a_published_detector(tmp_path, dense, prefix):
    detector = {f'backbone.{k}': v for k, v in dense.items() if not k.startswith(('norm.', 'head'))}
    detector['neck.lateral_convs.0.conv.weight'] = torch.zeros(2)
    path = save({'state_dict': detector, 'meta': dict(epoch=12)}, tmp_path / 'mask_rcnn.pth')
    backbone, lines = found_in(path, prefix=prefix)
    assert torch.equal(backbone.out_norms['0'].bias, dense['norm1.bias'])
    assert '332 of 332 tensors loaded' in lines[0]
    assert ('1 tensors of other parts' in lines[0]) == (prefix is None) or prefix


def test_wrong_prefix(tmp_path, small):
    path = save(small, tmp_path / 'a.pth')
    message = refusal(build(path, prefix='encoder.'))
    assert message.startswith("a.pth has no names that begin with 'encoder.'; they begin with ")


def test_fewer_levels(tmp_path, dense):
    path = save(dense, tmp_path / 'dense.pth')
    backbone, lines = found_in(path, out_indices=(1,))
    assert_stem = torch.equal(backbone.stem.proj.bias, dense['patch_embed1.proj.bias'])
    assert assert_stem
    assert torch.equal(backbone.out_norms['1'].weight, dense['norm2.weight'])
    assert 'not in the file' not in lines[0]


def test_our_own_training_checkpoint(tmp_path, small):
    """As mmengine's Runner saves it: with HistoryBuffers, numpy scalars, optimizer, meta."""
    backbone = UniFormer('small')
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    content = {
        'meta': {'epoch': 3, 'seed': 0},
        'state_dict': {f'backbone.{k}': v for k, v in backbone.state_dict().items()},
        'message_hub': {'log_scalars': {'train/loss': history}, 'best': np.float64(0.5)},
    }
    path = save(content, tmp_path / 'epoch_3.pth')
    twin, lines = found_in(path)
    assert 'names of hybrid_backbones; 332 of 332' in lines[0]
    assert torch.equal(
        twin.stages[3].blocks[2].mlp.fc1.weight, backbone.stages[3].blocks[2].mlp.fc1.weight
    )
    back = open_file(path)['message_hub']['log_scalars']['train/loss']
    assert back.mean() == history.mean()
    assert back.current() == 2.0


@pytest.mark.parametrize(
    'variant, family',
    [
        ('conformer_tiny_patch16', 'Conformer'),
        ('transxnet_t', 'TransXNet'),
        ('cvt_13', 'CvT'),
        ('hrformer_tiny', 'HRFormer'),
    ],
)
def test_other_families_are_named(tmp_path, variant, family):
    message = refusal(build(save({'model': zeros(variant)}, tmp_path / 'x.pth')))
    assert message == f'x.pth holds {family}, and this is a UniFormer'


def test_unknown_network(tmp_path):
    message = refusal(build(save({'features.0.weight': torch.zeros(1)}, tmp_path / 'x.pth')))
    assert message.startswith('x.pth is of no family known here (its names begin with features (1)')


@pytest.mark.parametrize(
    'variant, arch, names, difference',
    [
        ('uniformer_base', 'small', 'base or base_tl or base_dim64_tl', 'is only in the file'),
        ('uniformer_small', 'base', 'small or small_tl or small_dim64_tl', 'is not in the file'),
        ('uniformer_large_ls_tl', 'base', 'large_ls_tl', 'is (128,) there and (64,) here'),
        ('uniformer_base_ls', 'base', 'base_ls', 'gamma is only in the file'),
        ('uniformer_base', 'base_ls', 'base or base_tl or base_dim64_tl', 'gamma is not in'),
        (
            'uniformer_small_plus_tl',
            'small',
            'small_plus or small_plus_dim64 or small_plus_tl or small_plus_dim64_tl',
            'stem.proj',
        ),
    ],
)
def test_other_variants_are_named(tmp_path, variant, arch, names, difference):
    message = refusal(build(save({'model': zeros(variant)}, tmp_path / 'x.pth'), arch=arch))
    assert message.startswith(f'x.pth is a UniFormer of another arch ({names}): ')
    assert difference in message


def test_part_of_a_file_is_refused(tmp_path, small):
    torn = {k: v for k, v in small.items() if not k.startswith('blocks4')}
    assert 'is not in the file' in refusal(build(save(torn, tmp_path / 'x.pth')))


@pytest.mark.parametrize(
    'arch, options, variant, file, warned',
    [
        ('small', {}, 'uniformer_small', 'uniformer_small_in1k.pth', None),
        ('small_tl', {}, 'uniformer_small_tl', 'uniformer_small_tl_224.pth', None),
        ('small_dim64_tl', {}, 'uniformer_small_tl', 'uniformer_small_dim64_tl_224.pth', None),
        ('small', {'head_dim': 32}, 'uniformer_small_tl', 'uniformer_small_tl_224.pth', None),
        ('small_plus', {}, 'uniformer_small_plus', 'uniformer_small_plus_in1k.pth', None),
        ('base_ls', {}, 'uniformer_base_ls', 'any.pth', None),
        ('large_ls_tl', {}, 'uniformer_large_ls_tl', 'uniformer_large_ls_tl_224.pth', None),
        ('small', {}, 'uniformer_small_tl', 'renamed.pth', 32),  # told by its aux_head
        ('small', {}, 'uniformer_small', 'uniformer_small_tl_224.pth', 32),  # told by its name
        ('small_tl', {}, 'uniformer_small', 'uniformer_small_in1k.pth', 64),
        ('small_tl', {}, 'uniformer_small_tl', 'uniformer_small_dim64_tl_224.pth', 64),
        ('small_plus_dim64', {}, 'uniformer_small_plus', 'uniformer_small_plus_in1k.pth', 32),
    ],
)
def test_head_dim_that_no_shape_shows(tmp_path, arch, options, variant, file, warned):
    path = save({'model': zeros(variant)}, tmp_path / file)
    _, lines = found_in(path, arch=arch, **options)
    assert len(lines) == (1 if warned is None else 2)
    if warned:
        assert f'pass head_dim={warned}' in lines[1]


def test_missing_file(tmp_path):
    message = refusal(build(tmp_path / 'uniformer_small_in1k.pth'))
    assert 'no checkpoint file' in message
    assert 'huggingface.co/Sense-X/uniformer_image/resolve/main/uniformer_small_in1k.pth' in message
    assert 'model.backbone.init_cfg=None' in message
    message = refusal(build(tmp_path / 'uniformer_base_tl_224.pth', arch='base_tl'))
    assert 'open https://drive.google.com/file/d/16nsTjaw' in message
    assert 'save the file as uniformer_base_tl_224.pth' in message


needs_trusted_torch = pytest.mark.skipif(
    not torch_is_trusted(), reason="torch's own reader is not trusted before torch 2.6"
)


class Evil:
    def __reduce__(self):
        return exec, ('raise SystemExit("code ran")',)


@pytest.mark.parametrize(
    'content, message',
    [
        (b'', 'is no checkpoint, or damaged (0 bytes)'),
        (b'text', 'is no checkpoint, or damaged (4 bytes)'),
        (b'junk', 'is no checkpoint, or damaged (4 bytes)'),  # a pickle's opcode, cut short
        (b'<!DOCTYPE html><html>Sign in</html>', 'is a web page, not a checkpoint'),
        ('torn', 'is no checkpoint, or damaged'),
        (Evil(), 'holds exec, which is no weight'),
        ([1, 2], 'holds no weights'),
        ({'model': {}}, 'holds no weights'),
    ],
    ids=['empty', 'text', 'cut', 'html', 'torn', 'evil', 'list', 'hollow'],
)
def test_what_is_no_checkpoint(tmp_path, content, message):
    path = tmp_path / 'x.pth'
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == 'torn':
        torch.save({'a': torch.zeros(1000)}, path)
        path.write_bytes(path.read_bytes()[:2000])
    else:
        torch.save(content, path)
    assert message in refusal(build(path))


@needs_trusted_torch
def test_getattr_of_a_pickle_is_fenced_in(tmp_path):
    """mmengine's checkpoints need ``getattr`` on HistoryBuffer; nothing else may come through."""

    class Reach:
        def __reduce__(self):
            return getattr, (HistoryBuffer, '__init__')

    torch.save({'x': Reach()}, tmp_path / 'x.pth')
    with allow_mmengine_pickles(), pytest.raises(pickle.UnpicklingError, match='may not look up'):
        torch.load(tmp_path / 'x.pth', weights_only=True)
    with pytest.raises(CheckpointError):
        read_checkpoint(str(tmp_path / 'x.pth'))


@pytest.mark.parametrize('checkpoint', [None, '', 7])
def test_no_path(checkpoint):
    backbone = UniFormer('small', init_cfg=dict(type='Pretrained', checkpoint=checkpoint))
    assert 'checkpoint must be the path or URL of a file' in refusal(backbone)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A local web server over ``tmp_path / 'web'``, and a download cache of its own."""
    web = tmp_path / 'web'
    web.mkdir()
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(web))

        def log_message(self, *args):
            pass

    httpd = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Quiet)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield web, f'http://127.0.0.1:{httpd.server_port}'
    httpd.shutdown()


def test_url(server, small):
    web, url = server
    save({'model': small}, web / 'uniformer_small_in1k.pth')
    backbone = build(f'{url}/uniformer_small_in1k.pth')
    backbone.init_weights()
    assert_loaded(backbone, small)
    (web / 'uniformer_small_in1k.pth').unlink()
    again = build(f'{url}/uniformer_small_in1k.pth')  # from the cache
    again.init_weights()
    assert_loaded(again, small)


def test_url_with_a_wrong_hash(server, small, tmp_path):
    web, url = server
    save({'model': small}, web / 'small-00000000.pth')
    assert 'cannot download' in refusal(build(f'{url}/small-00000000.pth'))
    assert not list((tmp_path / 'hub').rglob('*.pth'))


@pytest.mark.parametrize('address', ['{url}/nothing.pth', 'http://127.0.0.1:9/a.pth'])
def test_url_that_cannot_be_reached(server, address, tmp_path):
    message = refusal(build(address.format(url=server[1])))
    assert message.startswith('cannot download http://127.0.0.1')
    name = address.rpartition('/')[2]
    assert f'save it as {tmp_path / "hub" / "checkpoints"}/' in message
    assert f'-{name};' in message
    assert 'init_cfg=None' in message


def test_a_page_is_no_file():
    url = 'https://drive.google.com/file/d/16nsTjawiYZuoCHBRarr58zA7vCFcmQmL'
    assert 'is a page, not a file: open it in a browser' in refusal(build(url))


def test_what_a_checkpoint_holds(tmp_path):
    """The weights, what mmengine writes beside them, and the name of the file."""
    state, meta = {'a': torch.ones(1)}, {'epoch': 3}
    for content, expected in ((dict(state_dict=state, meta=meta), meta), (state, {})):
        torch.save(content, tmp_path / 'run.pth')
        read = read_checkpoint(str(tmp_path / 'run.pth'))
        assert (read.state, read.meta, read.name) == (state, expected, 'run.pth')


@needs_trusted_torch
def test_reading_within_reading(tmp_path):
    """A pretrained file is read while a run is resumed: that must not end what the run may read."""
    path = tmp_path / 'run.pth'
    palette = np.zeros((17, 3), np.uint8)  # as in MMPose's description of a dataset
    torch.save({'state_dict': {'a': torch.ones(1)}, 'meta': {'colors': palette}}, path)
    before = set(torch.serialization.get_safe_globals())
    with allow_mmengine_pickles():
        assert read_checkpoint(path).state.keys() == {'a'}
        torch.load(path, weights_only=True)
    assert set(torch.serialization.get_safe_globals()) == before


@needs_trusted_torch
def test_what_others_allow_meanwhile_stays_allowed():
    """A module of torch first imported while a checkpoint is read allows its own classes."""

    class Theirs:
        pass

    before = set(torch.serialization.get_safe_globals())
    try:
        with allow_mmengine_pickles():
            torch.serialization.add_safe_globals([Theirs])
        assert set(torch.serialization.get_safe_globals()) == before | {Theirs}
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(list(before))


@pytest.mark.parametrize(
    'spelling',
    [
        lambda part: [part],
        lambda part: (dict(type='Constant', layer='Linear', val=0.5), part),
        lambda part: {**part, 'type': 'mmengine.model.weight_init.PretrainedInit'},
        lambda part: {**part, 'type': PretrainedInit},
    ],
    ids=['list', 'behind another', 'dotted', 'class'],
)
def test_spellings_of_init_cfg(spelling, tmp_path):
    """All go through the same loading: nothing is half loaded."""
    source = UniFormer('xxs', out_indices=(0,))
    with torch.no_grad():
        for value in source.parameters():
            value.add_(1)
    torch.save(AUTHORS.publish(source.state_dict()), tmp_path / 'file.pth')
    part = dict(type='Pretrained', checkpoint=str(tmp_path / 'file.pth'))
    backbone = UniFormer('xxs', out_indices=(0,), init_cfg=spelling(part))
    backbone.init_weights()
    assert torch.equal(backbone.stem.proj[0].weight, source.stem.proj[0].weight)
    other = UniFormer('xs', init_cfg=spelling(part))
    with pytest.raises(CheckpointError, match='another arch'):
        other.init_weights()


@pytest.mark.parametrize(
    'init_cfg, message',
    [
        ('file.pth', r"init_cfg must be dict\(type='Pretrained', checkpoint=FILE_OR_URL\)"),
        ([dict(type='Pretrained', checkpoint=name) for name in 'ab'], 'names 2 checkpoints'),
        (dict(type='pretrained', checkpoint='a.pth'), "is written 'Pretrained', not 'pretrained'"),
        (
            dict(
                type='Constant',
                val=1,
                override=dict(type='Pretrained', name='stem', checkpoint='a.pth'),
            ),
            'a checkpoint in override is loaded by nobody',
        ),
    ],
)
def test_wrong_init_cfg(init_cfg, message):
    with pytest.raises(ConfigError, match=message):
        UniFormer('xxs', out_indices=(0,), init_cfg=init_cfg).init_weights()


NOT_FINITE = 'was saved after the training had failed: 1 of 2 tensors'


@pytest.mark.parametrize(
    'value, message',
    [
        (torch.tensor([1.0, float('nan')]), NOT_FINITE),
        (torch.tensor([1.0, float('inf')]), NOT_FINITE),
        (torch.eye(2).to_sparse(), 'x is sparse'),
        (torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), 'x is quantised'),
        (torch.ones(2, dtype=torch.complex64), 'x is complex'),
        (torch.ones(2, device='meta'), 'x has a shape and no numbers'),
        (torch.ones(1).expand(10**5, 10**5), r'bytes and claims to hold 37 GiB'),
    ],
    ids=['nan', 'inf', 'sparse', 'quantised', 'complex', 'meta', 'expanded'],
)
def test_tensors_that_are_no_weights(value, message, tmp_path):
    torch.save({'a': torch.ones(1), 'x': value}, tmp_path / 'file.pth')
    with pytest.raises(CheckpointError, match=message) as error:
        read_checkpoint(tmp_path / 'file.pth')
    assert '\n' not in str(error.value)
    if message == NOT_FINITE:
        assert '`allow_non_finite=True`' in str(error.value)
        assert 'x' in read_checkpoint(tmp_path / 'file.pth', allow_non_finite=True).state


def test_a_variance_below_zero(tmp_path):
    state = {'bn.running_var': torch.tensor([1.0, -0.1]), 'bn.running_mean': torch.tensor([-1.0])}
    torch.save(state, tmp_path / 'file.pth')
    with pytest.raises(CheckpointError, match=r'the first is bn\.running_var'):
        read_checkpoint(tmp_path / 'file.pth')
    state['bn.running_var'][1] = 0
    torch.save(state, tmp_path / 'file.pth')
    read_checkpoint(tmp_path / 'file.pth')


@pytest.mark.parametrize('name', [3, ('a', 'b')])
def test_names_that_are_no_text(name, tmp_path):
    torch.save({'state_dict': {name: torch.ones(1)}}, tmp_path / 'file.pth')
    with pytest.raises(CheckpointError, match='a name in it is no text'):
        read_checkpoint(tmp_path / 'file.pth')


def test_a_flipped_bit(tmp_path):
    path = tmp_path / 'file.pth'
    torch.save({'a': torch.full((50,), 2.5)}, path)
    content = bytearray(path.read_bytes())
    content[content.index(torch.full((1,), 2.5).numpy().tobytes() * 50) + 7] ^= 1
    path.write_bytes(bytes(content))
    assert torch.load(path)['a'][1] != 2.5, 'torch does not notice'
    with pytest.raises(CheckpointError, match='damaged: file/data/0 in it is not what was written'):
        read_checkpoint(path)


def test_a_zip_bomb(tmp_path):
    """The same content, compressed a thousand times."""
    torch.save({'a': torch.zeros(10**6)}, tmp_path / 'plain.pth')
    with zipfile.ZipFile(tmp_path / 'plain.pth') as plain:
        with zipfile.ZipFile(tmp_path / 'bomb.pth', 'w', zipfile.ZIP_DEFLATED) as bomb:
            for part in plain.infolist():
                bomb.writestr(part.filename, plain.read(part))
    with pytest.raises(CheckpointError, match=r'would grow from .* bytes on being read'):
        read_checkpoint(tmp_path / 'bomb.pth')


class Replace(HistoryBuffer):
    """Pickled as a history whose statistics are others."""

    def __reduce_ex__(self, protocol):
        state = {**vars(self), 'statistics_methods': {'mean': HistoryBuffer.min}}
        return HistoryBuffer, (), state


def test_a_history_replaces_no_statistics(tmp_path):
    """mmengine's own takes whatever functions a pickle names, for all histories of the process."""
    history = Replace([1.0, 5.0], [1, 1])
    torch.save({'state_dict': {'a': torch.ones(1)}, 'log': history}, tmp_path / 'file.pth')
    before = dict(HistoryBuffer._statistics_methods)
    log = open_file(tmp_path / 'file.pth')['log']
    assert HistoryBuffer._statistics_methods == before
    assert log.mean() == 3 and log.statistics('mean') == 3
    assert type(copy.deepcopy(log)) is HistoryBuffer
    assert copy.deepcopy(log).data[0].tolist() == [1, 5]
    torch.save(log, tmp_path / 'again.pth')
    assert open_file(tmp_path / 'again.pth').mean() == 3


def test_converting_judges_nothing(tmp_path):
    """Whoever uses the file does."""
    state = published_state('uniformer_xxs')
    next(iter(state.values())).flatten()[0] = float('nan')
    torch.save(state, tmp_path / 'file.pth')
    converted = convert(tmp_path / 'file.pth', tmp_path / 'ours.pth')
    with pytest.raises(CheckpointError, match='not finite'):
        read_checkpoint(converted)


def test_files_of_one_name(server, small):
    """Of two addresses; a name in the catalogue, or with a hash, is one file."""
    web, url = server
    for folder in ('a', 'b'):
        (web / folder).mkdir()
    save({'model': small}, web / 'a' / 'weights.pth')
    save({'model': {name: value + 1 for name, value in small.items()}}, web / 'b' / 'weights.pth')
    first, second = (read_checkpoint(f'{url}/{folder}/weights.pth').state for folder in 'ab')
    name = next(iter(first))
    assert torch.equal(first[name] + 1, second[name])


def test_a_damaged_download_is_not_kept(server, small, tmp_path):
    web, url = server
    save({'model': small}, web / 'a.pth')
    whole = (web / 'a.pth').read_bytes()
    (web / 'a.pth').write_bytes(whole[:-100])
    with pytest.raises(CheckpointError, match=r'damaged .*it has been removed from the cache'):
        read_checkpoint(f'{url}/a.pth')
    assert not list((tmp_path / 'hub').rglob('*.pth'))
    (web / 'a.pth').write_bytes(whole)
    read_checkpoint(f'{url}/a.pth')


@pytest.mark.parametrize(
    'source, message',
    [
        ('torchvision://resnet50', 'torchvision://resnet50 is not read here: it names a model of'),
        ('open-mmlab://resnet50', 'give the URL of its file'),
        ('hf://Sense-X/uniformer', 'https://huggingface.co/NAME/resolve/main/FILE'),
        ('s3://bucket/a.pth', 'fetch the file'),
        ('ftp://host/a.pth', 'give a path, or a URL with http or https'),
    ],
)
def test_other_addresses(source, message):
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(source)


def test_address_of_a_file(small, tmp_path):
    save({'model': small}, tmp_path / 'a.pth')
    assert read_checkpoint((tmp_path / 'a.pth').as_uri()).state.keys() == small.keys()


@pytest.mark.parametrize('dtype', [torch.int8, torch.uint8, torch.int64, torch.bool])
def test_weights_of_whole_numbers(dtype, tmp_path):
    """They were never trained, nor is anything else said that would make numbers of them."""
    backbone = UniFormer('xxs', out_indices=(0,))
    state = {name: value.clone() for name, value in backbone.state_dict().items()}
    name = next(key for key in state if key.endswith('.weight'))
    state[name] = state[name].to(dtype)
    torch.save(state, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match=f'{name} has whole numbers'):
        load_pretrained(backbone, tmp_path / 'a.pth')


def test_numbers_that_are_too_large_for_weights():
    """Finite in the file, infinite in the model."""
    assert find_invalid(dict(a=torch.tensor([1e300], dtype=torch.float64))) == ['a']
    assert find_invalid(dict(a=torch.tensor([1e30], dtype=torch.float64))) == []


@pytest.mark.skipif(not hasattr(torch, 'float8_e4m3fn'), reason='torch has no such type')
def test_float8():
    assert find_invalid(dict(a=torch.ones(3).to(torch.float8_e4m3fn))) == []

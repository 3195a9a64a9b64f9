"""Exported backbones: every family, at sizes that were not recorded, and what is refused."""

import math

import pytest
import torch

import hybrid_backbones
from hybrid_backbones import create_backbone
from hybrid_backbones.backbones.rel_pos_encoding import RelPosEncoding
from hybrid_backbones.deploy import fold
from hybrid_backbones.deploy.exporting.dynamic_shapes import VARIANTS, for_any_size
from hybrid_backbones.deploy.exporting.export import export, write_checked
from hybrid_backbones.deploy.exporting.fixed_size import constants_for
from hybrid_backbones.deploy.exporting.formats import FORMATS, run_onnx
from hybrid_backbones.deploy.exporting.trace import EXAMPLE, SMALLEST, trace
from hybrid_backbones.deploy.exporting.verify import (
    SIZES,
    TOLERANCE,
    compare,
    draw_constants,
)
from hybrid_backbones.errors import ConfigError, ExportError

for package in ('onnx', 'onnxscript', 'onnxruntime'):
    pytest.importorskip(package)

# every kind of module of the family, in as few blocks as that takes
CONFORMER = dict(patch=16, channel_ratio=1, embed_dim=64, depths=(1, 1, 1, 1))
UNIFORMER = dict(depths=(1, 1, 2, 1), dims=(16, 32, 48, 64), head_dim=16)
HRFORMER = dict(width=8, modules=(1, 1, 1), depth=1, heads=(1, 1, 2, 2))
TRANSXNET = dict(
    depths=(1, 1, 1, 1),
    dims=(16, 32, 48, 64),
    heads=(1, 2, 3, 4),
    groups=(2, 2, 3, 4),
    mlp_ratios=(2, 2, 2, 2),
)
SMALL = {
    'Conformer': ('Conformer', dict(arch=CONFORMER)),
    'CvT': ('CvT', dict(arch=dict(depths=(1, 1, 1), dims=(16, 32, 64), heads=(1, 2, 4)))),
    'HRFormer': ('HRFormer', dict(arch=HRFORMER)),
    'HRFormer_pose': (
        'HRFormer',
        dict(arch=HRFORMER, with_rel_pos_bias=False, fuse_upsample='bilinear', out_indices=(0, 3)),
    ),
    'TransXNet': ('TransXNet', dict(arch=TRANSXNET)),
    'UniFormer': (
        'UniFormer',
        dict(
            arch=dict(**UNIFORMER, layer_scale_stages=(2,)),
            **dict(stage3_attention='window', window_size=5),
        ),
    ),
    'UniFormer_light': (
        'UniFormer',
        dict(arch=dict(**UNIFORMER, conv_stem=True, token_pruning=True)),
    ),
}
QUICK = ('UniFormer',)
VARIANTS_OF_FAMILIES = ('HRFormer_pose', 'UniFormer_light')
FULL_DEPTH = ('conformer_tiny_patch16', 'cvt_13', 'hrformer_tiny', 'transxnet_t', 'uniformer_xxs')
EDGES = ((1, 33, 33), (3, 64, 40), (1, 225, 224))


def build(name, **more):
    family, options = SMALL[name]
    torch.manual_seed(0)
    return draw_constants(getattr(hybrid_backbones, family)(**options, **more).eval())


def each_family(quick, extended=()):
    def marks(name):
        kept = (name in quick, pytest.mark.slow), (name not in extended, pytest.mark.extended)
        return [mark for without, mark in kept if not without]

    return [pytest.param(name, marks=marks(name), id=name) for name in SMALL]


@pytest.fixture(scope='module')
def cvt():
    """The quickest to trace, and what was recorded of it."""
    backbone = build('CvT', out_indices=(0,))
    return backbone, trace(backbone)


def assert_near(differences):
    assert all(d.relative < 1e-4 for d in differences), differences


@pytest.mark.parametrize('name', each_family(QUICK))
def test_program(name):
    """At sizes that were not recorded, also where the last level is 2x2, and with three images."""
    backbone = build(name)
    done = compare(trace(backbone).module(), backbone, SIZES + EDGES)
    assert [d.shape for d in done] == [(n, 3, h, w) for n, h, w in SIZES + EDGES]
    assert_near(done)


@pytest.mark.parametrize('name', each_family(QUICK, extended=VARIANTS_OF_FAMILIES))
def test_onnx(name, tmp_path):
    backbone = build(name)
    done = write_checked(trace(backbone), backbone, tmp_path / 'a.onnx', 'onnx', None, 20)
    assert [d.shape for d in done.differences] == [(n, 3, h, w) for n, h, w in SIZES]
    assert_near(done.differences)
    assert_near(compare(FORMATS['onnx'].run(tmp_path / 'a.onnx'), backbone, EDGES))
    assert {path.name for path in tmp_path.iterdir()} == {'a.onnx'}


@pytest.mark.parametrize('name', [pytest.param('TransXNet', marks=pytest.mark.slow), 'UniFormer'])
def test_torch_file(name, tmp_path):
    """What is read again computes what was written, a scan over images included."""
    backbone = build(name)
    path = tmp_path / 'a.pt2'
    done = write_checked(trace(backbone), backbone, path, 'torch', None, 20)
    assert [d.shape for d in done.differences] == [(n, 3, h, w) for n, h, w in SIZES]
    assert_near(done.differences)
    assert {path.name for path in tmp_path.iterdir()} == {'a.pt2'}


@pytest.mark.slow
@pytest.mark.parametrize('name', ['Conformer', 'CvT', 'HRFormer', 'TransXNet', 'UniFormer'])
def test_folded(name, tmp_path):
    folded = fold(build(name))
    program = trace(folded)
    assert_near(compare(program.module(), folded, SIZES))
    if name in ('CvT', 'UniFormer'):
        done = write_checked(program, folded, tmp_path / 'a.onnx', 'onnx', None, 20)
        assert_near(done.differences)


@pytest.mark.slow
@pytest.mark.extended
@pytest.mark.parametrize('arch', FULL_DEPTH)
@pytest.mark.parametrize('kind', FORMATS)
def test_full_depth(arch, kind, tmp_path):
    backbone = draw_constants(create_backbone(arch).eval())
    assert_near(export(backbone, str(tmp_path / 'a'), kind).differences)


def test_what_is_checked_was_not_recorded():
    assert len(SIZES) == 3
    assert EXAMPLE not in [(height, width) for _, height, width in SIZES]
    assert any(height % 32 and width % 32 for _, height, width in SIZES)
    assert {batch for batch, _, _ in SIZES} == {1, 2}


@pytest.mark.parametrize('name', SMALL)
def test_modules_for_any_size(name):
    """They compute the same outside of a graph, and no module that has one is left."""
    backbone = build(name)
    images = torch.randn(2, 3, 97, 130)
    with torch.no_grad():
        expected = backbone(images)
        changed = for_any_size(build(name))
        levels = changed(images) if name != 'TransXNet' else expected  # its Scan is compiled
    assert not any(type(module) in VARIANTS for module in changed.modules())
    for level, other in zip(levels, expected):
        torch.testing.assert_close(level, other, rtol=1e-4, atol=1e-4 * other.std().item())


def test_onnx_file(cvt, tmp_path):
    """Names, sizes that are open, and the opset that was asked for."""
    import onnx

    backbone, program = cvt
    write_checked(program, backbone, tmp_path / 'a.onnx', 'onnx', None, 18)
    model = onnx.load(tmp_path / 'a.onnx')
    (images,) = model.graph.input
    dims = [dim.dim_param or dim.dim_value for dim in images.type.tensor_type.shape.dim]
    assert (images.name, dims) == ('images', ['batch', 3, 'height', 'width'])
    assert [out.name for out in model.graph.output] == ['level_0']
    assert {o.version for o in model.opset_import if not o.domain} == {18}


def test_fixed_size(tmp_path):
    backbone = build('CvT', out_indices=(0,))
    done = export(backbone, str(tmp_path / 'a.onnx'), size=(64, 96))
    assert [d.shape for d in done.differences] == [(n, 3, 64, 96) for n in (1, 2, 3)]
    with pytest.raises(Exception, match=r'(?i)invalid dimensions'):
        run_onnx(tmp_path / 'a.onnx')(torch.zeros(1, 3, 96, 96))


def test_a_given_number_of_images():
    """Nothing in the graph is symbolic, and it computes the same."""
    backbone = build('CvT', out_indices=(0,))
    program = trace(backbone, (64, 96), batch=3)
    symbols = [
        node
        for node in program.graph.nodes
        for value in [node.meta.get('val')]
        if isinstance(value, torch.Tensor) and any(type(n) is not int for n in value.shape)
    ]
    assert not symbols
    (difference,) = compare(program.module(), backbone, [(3, 64, 96)])
    assert difference.fine


@pytest.mark.slow
def test_position_encodings_of_a_fixed_size(tmp_path):
    """They are resized beforehand, and kept as small as they can be."""
    import onnx

    backbone, size = build('TransXNet'), (288, 320)
    program = trace(backbone, size)
    assert not any('bicubic' in str(node.target) for node in program.graph.nodes)
    done = write_checked(program, backbone, tmp_path / 'a.onnx', 'onnx', size, 20)
    assert_near(done.differences)
    queries, keys, rank = 72 * 80, 9 * 10, 7 * 7  # of the first stage
    constants = onnx.load(tmp_path / 'a.onnx').graph.initializer
    largest = max(math.prod(constant.dims) for constant in constants)
    assert largest == queries * rank < queries * keys


def test_constants_of_maps():
    """One size of map: a constant; several: none."""
    encoding = RelPosEncoding(2, 8, 4)
    torch.nn.init.normal_(encoding.table)

    class Calls(torch.nn.Module):
        def __init__(self, *sizes):
            super().__init__()
            self.encoding, self.sizes = encoding, sizes

        def forward(self, images):
            return [self.encoding(*size) for size in self.sizes]

    (once,) = constants_for(Calls((9, 7), (9, 7)), torch.zeros(1)).values()
    torch.testing.assert_close(once(9, 7), encoding(9, 7))
    assert constants_for(Calls((9, 7), (7, 9)), torch.zeros(1)) == {}
    assert not encoding._forward_pre_hooks
    assert constants_for(torch.nn.ReLU(), torch.zeros(1)) == {}


def test_the_backbone_is_untouched(cvt):
    backbone, _ = cvt
    assert not any(type(module) in VARIANTS.values() for module in backbone.modules())


@pytest.mark.parametrize('kind', FORMATS)
def test_a_difference_is_seen(cvt, tmp_path, kind):
    """Of one weight; nothing is left then, and what was there before is."""
    _, program = cvt
    other = build('CvT', out_indices=(0,))
    with torch.no_grad():
        other.stem.norm.bias[0] += 0.5
    path = tmp_path / f'a{FORMATS[kind].suffix}'
    path.write_text('before')
    with pytest.raises(ExportError, match=r'not written: for images 1x3x256x320 it would be'):
        write_checked(program, other, path, kind, None, 20)
    assert [p.read_text() for p in tmp_path.iterdir()] == ['before']


@pytest.mark.parametrize(
    'levels, fine',
    [
        (lambda x: [x], True),
        (lambda x: [x + TOLERANCE / 2], True),
        (lambda x: [x + TOLERANCE * 2], False),
        (lambda x: [x * float('nan')], False),
        (lambda x: [x[:, :, 1:]], False),
        (lambda x: [x, x], False),
    ],
)
def test_tolerance(levels, fine):
    (difference,) = compare(levels, lambda x: [x], [(1, 40, 40)])
    assert difference.fine is fine


def test_nothing_is_left_constant():
    backbone = build('TransXNet')
    for name, value in [*backbone.named_parameters(), *backbone.named_buffers()]:
        assert not value.is_floating_point() or value.min() < value.max(), name


@pytest.mark.parametrize('size', [(SMALLEST - 2, 64), (64, 10000)])
def test_sizes_that_are_refused(size, tmp_path):
    with pytest.raises(ConfigError, match='32 to 8192 pixels'):
        export(build('CvT'), str(tmp_path / 'a.onnx'), size=size)
    assert not list(tmp_path.iterdir())


def test_packages_that_are_missing(monkeypatch, tmp_path):
    monkeypatch.setattr('hybrid_backbones.deploy.exporting.formats.find_spec', lambda name: None)
    with pytest.raises(ConfigError, match='pip install onnx onnxscript onnxruntime'):
        export(build('CvT'), str(tmp_path / 'a.onnx'))

"""TransXNet against the numbers of the authors' code."""

import copy
import io

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hybrid_backbones import TransXNet
from hybrid_backbones.backbones.transxnet import DynamicConv
from hybrid_backbones.errors import BatchTooSmallError
from hybrid_backbones.layers import ResidualDWConv, ScaledDotProductAttention
from hybrid_backbones.weights.families.transxnet import AUTHORS
from tests.golden import assert_close, goldens, manifest, published_state, variants
from tests.parity import assert_gradients, load_published, slow_if

TOLERANCE = 1e-4
CONVS = (nn.Conv2d, ResidualDWConv)


def arch_of(variant):
    return variant[len('transxnet_') :]


def published(golden):
    backbone = TransXNet(arch_of(golden.variant)).eval()
    load_published(backbone, AUTHORS, published_state(golden.variant, 'default'))
    return backbone


def slow_if_large(items):
    return slow_if(lambda name: '_b' in name, items)


@pytest.mark.parametrize('golden', slow_if_large(goldens('transxnet')))
def test_levels(golden):
    with torch.inference_mode():
        levels = published(golden)(golden.image())
    for name, level in zip(('c2', 'c3', 'c4', 'c5'), levels):
        assert_close(level, golden, name, TOLERANCE)


@pytest.mark.parametrize('golden', goldens('transxnet', 'grad'), ids=lambda g: g.tag)
def test_gradients(golden):
    assert_gradients(published(golden), AUTHORS, golden)


@pytest.mark.parametrize('variant', variants('transxnet'))
def test_parameter_count(variant):
    with torch.device('meta'):
        backbone = TransXNet(arch_of(variant))
    (info,) = manifest(variant)['dense'].values()
    assert sum(p.numel() for p in backbone.parameters()) == info['dense_params']


def test_eps_and_activation():
    """What no golden number can see."""
    with torch.device('meta'):
        backbone = TransXNet('b')
    for name, module in backbone.named_modules():
        if isinstance(module, (nn.GroupNorm, nn.BatchNorm2d)):
            assert module.eps == 1e-5, name
        if isinstance(module, nn.GroupNorm):
            assert module.num_groups == 1, name
        if isinstance(module, nn.GELU):
            assert module.approximate == 'none', name
        assert not isinstance(module, nn.LayerNorm), name


def test_published_initialisation():
    backbone = TransXNet('t', out_indices=(1,))
    biases = [m.bias for m in backbone.modules() if isinstance(m, CONVS) and m.bias is not None]
    assert biases and not any(bias.any() for bias in biases)
    for name, module in backbone.named_modules():
        if isinstance(module, CONVS) and module.weight.numel() > 500:
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.15), name
        elif isinstance(module, DynamicConv):
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.1), name
    block = backbone.stages[0].blocks[0]
    assert set(block.scale1.weight.flatten().tolist()) == {torch.tensor(1e-5).item()}
    assert block.scale2.bias.abs().max() == 0
    assert backbone.stages[1].rel_pos.table.abs().max() == 0


def test_drop_path_is_linear_over_blocks():
    backbone = TransXNet('t', drop_path_rate=0.17)
    rates = [block.drop_path.drop_prob for stage in backbone.stages for block in stage.blocks]
    assert rates == pytest.approx([i / 100 for i in range(18)])


def encoding(backbone):
    """The stage-2 encoding with numbers in it."""
    rel_pos = backbone.stages[1].rel_pos
    nn.init.normal_(rel_pos.table)
    return rel_pos


def test_encoding_is_resized_as_one_flat_image():
    rel_pos = encoding(TransXNet('t', out_indices=(1,)))
    assert rel_pos(28, 28) is rel_pos.table
    expected = F.interpolate(rel_pos.table, (21 * 33, 6 * 9), mode='bicubic', align_corners=False)
    assert torch.equal(rel_pos(21, 33), expected)


def test_encoding_is_kept_only_while_nothing_changes():
    rel_pos = encoding(TransXNet('t', out_indices=(1,)))
    with torch.no_grad():
        first = rel_pos(21, 33)
        assert rel_pos(21, 33) is first
        assert rel_pos(21, 34) is not first
        kept = rel_pos(21, 33)
        rel_pos.load_state_dict({'table': 2 * rel_pos.table})
        assert torch.allclose(rel_pos(21, 33), 2 * kept)
        rel_pos.table.mul_(2)
        assert torch.allclose(rel_pos(21, 33), 4 * kept)
        assert rel_pos.double()(21, 33).dtype == torch.float64
        rel_pos.float()
        rel_pos.table.data = 4 * rel_pos.table.data
        assert torch.allclose(rel_pos(21, 33), 16 * kept)
        rel_pos.table.data.mul_(2)  # as weight averaging swaps weights; no version counts it
        assert torch.allclose(rel_pos(21, 33), 32 * kept)
    assert rel_pos(21, 33).requires_grad, 'never in training'


def test_autocast_casts_an_encoding_once():
    """Not in every block: it is the largest tensor of a stage."""
    backbone = TransXNet('t', out_indices=(1,)).eval()
    encodings = []
    for module in backbone.modules():
        if isinstance(module, ScaledDotProductAttention):
            module.register_forward_hook(lambda m, args, out: encodings.append(args[3]))
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        backbone(torch.randn(1, 3, 64, 96))
    assert {bias.dtype for bias in encodings} == {torch.bfloat16}
    assert len(encodings) == sum(backbone.arch.depths[:2])
    assert len({bias.data_ptr() for bias in encodings}) == 2


def test_encoding_after_inference_mode():
    backbone = TransXNet('t', out_indices=(1,)).eval()
    rel_pos = encoding(backbone)
    image = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        before = backbone(image)[0]
    with torch.no_grad():
        assert torch.equal(backbone(image)[0], before)
        assert not rel_pos(8, 12).is_inference()
    for copied in (copy.deepcopy(backbone), torch.load(_saved(backbone), weights_only=False)):
        assert copied.stages[1].rel_pos._kept is None
        with torch.no_grad():
            assert torch.equal(copied(image)[0], before)
    backbone(image)[0].mean().backward()
    assert rel_pos.table.grad.abs().max() > 0


def _saved(module):
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    return file


@pytest.mark.parametrize('size', [(10, 12), (24, 20)])
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_dynamic_convolution_is_a_mixture_of_kernels_for_each_image(size, layout):
    """Against the sum over groups of plain convolutions with constant weights."""
    layer = DynamicConv(8, groups=3).eval()
    nn.init.zeros_(layer.expand.weight)
    nn.init.normal_(layer.expand.bias)
    share = layer.expand.bias.view(3, 8).softmax(0)
    for batch in (1, 2):
        x = torch.randn(batch, 8, *size).contiguous(memory_format=layout)
        expected = 0
        for group in range(3):
            weight, bias = layer.weight[group][:, None], layer.bias[group]
            plain = F.conv2d(x, weight, bias, padding=3, groups=8)
            expected = expected + share[group].view(-1, 1, 1) * plain
        assert torch.allclose(layer(x), expected, atol=1e-5)


def test_each_image_has_kernels_of_its_own():
    """A batch gives what its images give one by one, on maps small and large."""
    layer = DynamicConv(8, groups=2).eval()
    for size in ((10, 12), (24, 20)):
        x = torch.randn(3, 8, *size)
        one_by_one = torch.cat([layer(image[None]) for image in x])
        torch.testing.assert_close(layer(x), one_by_one)
        assert not torch.allclose(one_by_one[0], layer(x.flip(0))[0], atol=1e-4)


@pytest.mark.parametrize('batch', [1, 2])
def test_blocks_stay_in_channels_last(batch):
    """On a CPU: a map that falls out of it makes sums and convolutions several times slower."""
    backbone = TransXNet('t', out_indices=(0,)).eval()
    block = backbone.stages[0].blocks[0]
    orders = []
    for module in block.modules():
        module.register_forward_hook(lambda module, args, out: orders.append(out))
    x = torch.randn(batch, 48, 20, 24).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        block(x, backbone.stages[0].rel_pos(20, 24))
    whole = [out for out in orders if out.shape[2:] == x.shape[2:]]
    assert len(whole) > 10
    assert all(out.is_contiguous(memory_format=torch.channels_last) for out in whole)


def test_one_image_in_training():
    image = torch.randn(1, 3, 64, 64)
    with pytest.raises(BatchTooSmallError, match='at least 2 images on a device, or'):
        TransXNet('t', out_indices=(0,))(image)
    TransXNet('t', out_indices=(0,), norm_eval=True)(image)


def test_encodings_stored_for_another_size(tmp_path):
    """``transx-b-384.pth.tar`` is of this kind."""
    state = published_state('transxnet_t')
    for i, side in enumerate((96, 48, 24, 12)):
        shape = (*state[f'relative_pos_enc.{i}'].shape[:2], side**2, 144)
        state[f'relative_pos_enc.{i}'] = torch.full(shape, float(i))
    torch.save({'state_dict': state}, tmp_path / 'transx-t-384.pth.tar')
    cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'transx-t-384.pth.tar'))
    backbone = TransXNet('t', init_cfg=cfg)
    backbone.init_weights()
    table = backbone.stages[2].rel_pos.table
    assert torch.allclose(table, torch.full((1, 4, 196, 49), 2.0))


@pytest.mark.parametrize(
    'option, message',
    [
        (dict(arch='tiny'), "TransXNet has no arch 'tiny'; it has t, s, b"),
        (dict(drop_path_rate=-0.1), 'drop_path_rate must be in'),
    ],
)
def test_wrong_options(option, message):
    with pytest.raises(ValueError, match=message):
        TransXNet(**option)

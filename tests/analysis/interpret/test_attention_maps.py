"""Recovered attention weights, against what the modules compute."""

import pytest
import torch
from torch import nn

from hybrid_backbones.analysis.interpret.attention_maps import (
    attention_blocks,
    attention_map,
)
from hybrid_backbones.analysis.interpret.attention_recorder import record_attention
from hybrid_backbones.backbones.transxnet import ReducedAttention
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.layers import ScaledDotProductAttention
from tests.analysis.small import SMALL

SIZE = (100, 150)  # no multiple of anything


@pytest.fixture(scope='module', params=SMALL)
def backbone(request):
    torch.manual_seed(0)
    backbone = SMALL[request.param]().eval()
    for name, parameter in backbone.named_parameters():
        if 'rel_pos' in name or 'cls_token' in name or parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.2)  # so that attention is not even
    return backbone


@pytest.fixture(scope='module')
def image():
    return torch.randn(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))


def attention_in(block):
    """The module that computes it, next to its projections."""
    (module,) = (
        m
        for m in block.modules()
        if any(isinstance(child, ScaledDotProductAttention) for child in m.children())
    )
    return module


def test_weights_reproduce_what_is_computed(backbone, image):
    """In every block: of sum 1, and with the values they make what goes into the projection."""
    for name in attention_blocks(backbone):
        block, seen = backbone.get_submodule(name), []
        module = attention_in(block)
        if isinstance(module, ReducedAttention):  # it has no projection
            hook = module.register_forward_hook(
                lambda m, args, out, seen=seen: seen.append(out.flatten(2).transpose(1, 2))
            )
        else:
            hook = module.proj.register_forward_pre_hook(
                lambda m, args, seen=seen: seen.append(args[0])
            )
        with torch.no_grad(), record_attention(block) as calls:
            backbone(image)
        hook.remove()
        (call,), (computed,) = calls, seen
        rows, _, length, _ = call.q.shape
        for row, query in ((0, 0), (rows - 1, length - 1), (rows // 2, length // 2)):
            weights = call.weights(row, query)
            torch.testing.assert_close(weights.sum(-1), torch.ones(len(weights)))
            made = torch.einsum('hk,hkd->hd', weights, call.v[row]).flatten()
            expected = computed.reshape(rows, length, -1)[row, query]
            torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-4)


def hooks_of(backbone):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in backbone.modules())


def test_listening_changes_nothing(backbone, image):
    before = hooks_of(backbone)
    with torch.no_grad():
        plain = backbone(image)
        with record_attention(backbone):
            heard = backbone(image)
    for a, b in zip(plain, heard):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert hooks_of(backbone) == before


def test_an_error_leaves_no_hooks(image):
    backbone = SMALL['cvt']().eval()
    before = hooks_of(backbone)
    backbone.stages[1].blocks[0].attn.proj = None
    with pytest.raises(TypeError), record_attention(backbone):
        backbone(image)
    assert hooks_of(backbone) == before


def test_only_the_given_module_is_recorded(image):
    """And every call of it, in order; two recordings at once see the same."""
    backbone = SMALL['uniformer']().eval()
    blocks = backbone.stages[2].blocks
    with torch.no_grad(), record_attention(blocks[1]) as one, record_attention(blocks) as all_:
        backbone(image)
    assert len(all_) == len(blocks) > len(one) == 1
    assert all_[1].output is one[0].output


def test_parts_of_a_map_add_up(backbone, image):
    for name in attention_blocks(backbone):
        for query in ((0.0, 0.0), (0.5, 0.4), (1.0, 1.0), (2, 1)):
            found = attention_map(backbone, image, name, query)
            parts = (found.to_class, found.to_padding, found.to_merged)
            total = found.weights.sum((1, 2)) + sum(parts)
            torch.testing.assert_close(total, torch.ones_like(total))
            y, x = found.query
            assert 0 <= y * found.stride < SIZE[0] and 0 <= x * found.stride < SIZE[1]
            if found.window is None:
                continue
            top, left, bottom, right = found.window
            assert top <= y * found.stride < bottom and left <= x * found.stride < right
            s = found.key_stride
            inside = found.weights[:, top // s : bottom // s, left // s : right // s]
            assert (inside > 0).all()
            torch.testing.assert_close(inside.sum(), found.weights.sum())


class Coordinates(nn.Module):
    """In place of a norm: channels 0, 1 and 2 are row, column and 1, the others noise."""

    def __init__(self, channels_last):
        super().__init__()
        self.channels_last = channels_last

    def forward(self, x):
        x = torch.randn_like(x) if self.channels_last else torch.randn_like(x).movedim(1, -1)
        height, width = x.shape[1:3]
        x[..., 0] = torch.arange(height, dtype=x.dtype)[:, None]
        x[..., 1] = torch.arange(width, dtype=x.dtype)
        x[..., 2] = 1
        return x if self.channels_last else x.movedim(-1, 1)


class EveryOther(Coordinates):
    """Coordinates at the even rows and columns of a map ``(N, C, H, W)``."""

    def forward(self, x):
        return super().forward(x)[:, :, ::2, ::2]


def as_values(linear, offset):
    """Let the first values be the first channels of the input."""
    dim = linear.in_features
    with torch.no_grad():
        linear.weight[offset : offset + dim] = torch.eye(dim)
        linear.bias[offset : offset + dim] = 0


def centre(weights, step=1):
    """Mean row, mean column and sum of the first head's map."""
    rows = torch.arange(weights.shape[1])[:, None] * step
    cols = torch.arange(weights.shape[2]) * step
    return torch.stack([(weights[0] * factor).sum() for factor in (rows, cols, 1)]).float()


@pytest.mark.parametrize(
    'name, block',
    [
        ('hrformer', 'stages.1.blocks.0.branches.0.1'),
        ('hrformer', 'stages.3.blocks.0.branches.2.0'),
        ('uniformer_hybrid', 'stages.2.blocks.1'),
        ('uniformer_hybrid', 'stages.2.blocks.3'),
    ],
)
@pytest.mark.parametrize('query', [(0, 0), (3, 5), (6, 9)])
def test_windows_lie_where_the_map_says(name, block, query, image):
    """A block is fed coordinates: their mean under the map must be what the block makes of them."""
    backbone = SMALL[name]().eval()
    module = backbone.get_submodule(block)
    attention, inner = module.attn, attention_in(module)
    module.norm1 = Coordinates(channels_last=True)
    as_values(inner.qkv, 2 * inner.qkv.in_features)
    inner.proj = nn.Identity()
    seen = []
    if name == 'hrformer':
        attention.register_forward_hook(lambda m, args, out: seen.append(out))
    else:
        module.scale1.register_forward_hook(lambda m, args, out: seen.append(out))
    torch.manual_seed(3)
    found = attention_map(backbone, image, block, query)
    y, x = query
    torch.testing.assert_close(centre(found.weights), seen[0][0, y, x, :3], rtol=1e-4, atol=1e-4)


def test_keys_of_cvt_are_every_other_position(image):
    backbone = SMALL['cvt']().eval()
    block = backbone.stages[2].blocks[1]
    block.attn.conv_k = nn.Conv2d(64, 64, 3, stride=2, padding=1)
    block.attn.conv_v = EveryOther(channels_last=False)
    as_values(block.attn.v, 0)
    block.attn.proj = nn.Identity()
    seen = []
    block.attn.register_forward_hook(lambda m, args, out: seen.append(out))
    hidden = []
    block.norm1.register_forward_hook(lambda m, args, out: hidden.append(out))
    found = attention_map(backbone, image, 'stages.2.blocks.1', (3, 4))
    assert found.weights.shape == (4, 4, 5)
    made = centre(found.weights, step=2) + found.to_class[0] * hidden[0][0, 0, :3]
    torch.testing.assert_close(made, seen[0][0, 1 + 3 * 10 + 4, :3], rtol=1e-4, atol=1e-4)


def test_class_token_as_the_query(image):
    backbone = SMALL['conformer']().eval()
    found = attention_map(backbone, image, 'stages.0.trans', 'class')
    assert found.query is None and found.weights.shape == (2, 7, 10)
    assert (found.to_class > 0).all()


def test_tokens_that_a_light_uniformer_leaves_out(image):
    """Half of the map is seen one by one; a query of the other half is the merged token's."""
    backbone = SMALL['uniformer_light']().eval()
    pattern = attention_map(backbone, image, 'stages.2.blocks.1', 'class').weights[0] > 0
    assert pattern.sum() == 35  # of 7 times 10
    for wanted in (True, False):
        y, x = (pattern == wanted).nonzero()[0].tolist()
        found = attention_map(backbone, image, 'stages.2.blocks.1', (y, x))
        assert found.stands_in == (not wanted)
        assert ((found.weights[0] > 0) == pattern).all()
        assert (found.to_merged > 0).all() and (found.to_class > 0).all()


@pytest.mark.parametrize('query', [(0, 0), (3, 5), (6, 9), 'class'])
def test_tokens_of_a_light_uniformer_lie_where_the_map_says(query, image):
    """Again by coordinates; the class token and the merged one have other values."""
    backbone = SMALL['uniformer_light']().eval()
    block = backbone.stages[2].blocks[2]
    block.pos_embed, block.norm1 = Coordinates(channels_last=False), nn.Identity()
    inner = attention_in(block)
    as_values(inner.qkv, 2 * inner.qkv.in_features)
    with record_attention(block) as calls:
        found = attention_map(backbone, image, 'stages.2.blocks.2', query)
    (call,) = calls
    values, outputs = call.v[0, 0, :, :3], call.output[0, 0, :, :3]
    made = centre(found.weights)
    made = made + found.to_class[0] * values[0] + found.to_merged[0] * values[-1]
    if query == 'class':
        row = 0
    elif found.stands_in:
        row = -1
    else:
        row = int((values[1:-1, :2] == torch.tensor(query)).all(1).nonzero()) + 1
    torch.testing.assert_close(made, outputs[row], rtol=1e-4, atol=1e-4)


def test_blocks(image):
    expected = {
        'conformer': ['stages.0.trans', 'stages.0.blocks.0', 'stages.3.blocks.0'],
        'cvt': ['stages.0.blocks.0', 'stages.2.blocks.1'],
        'hrformer': ['stages.1.blocks.0.branches.0.0', 'stages.3.blocks.0.branches.3.1'],
        'transxnet': ['stages.0.blocks.0', 'stages.3.blocks.0'],
        'uniformer': ['stages.2.blocks.0', 'stages.2.blocks.3', 'stages.3.blocks.0'],
    }
    for name, blocks in expected.items():
        assert set(blocks) <= set(attention_blocks(SMALL[name]())), name


@pytest.mark.parametrize(
    'block, query, parts',
    [
        ('stages.1.blocks.0', (0, 0), ['stages.2.blocks.0 to 3', 'stages.3.blocks.0']),
        ('stages.2.blocks.0', (7, 0), ['7x10', '6,9', '7,0']),
        ('stages.2.blocks.0', (0.5, 1.5), ['0.0 to 1.0', '0.5,1.5']),
        ('stages.2.blocks.0', 'cls', ["'class'", "'cls'"]),
        ('stages.2.blocks.0', 'class', ['no class token']),
    ],
)
def test_refusals(block, query, parts, image):
    backbone = SMALL['uniformer']().eval()
    with pytest.raises(ConfigError) as error:
        attention_map(backbone, image, block, query)
    for part in parts:
        assert part in str(error.value)

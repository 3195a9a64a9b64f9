"""The shared layers against their formulas."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hybrid_backbones.layers import (
    BatchNorm2d,
    DropPath,
    GroupNorm,
    LayerNorm2d,
    LayerScale,
    Mlp,
    SelfAttention,
    checkpoint_block,
    drop_path_rates,
    is_compiling,
    pad_to_multiple,
    scaled_dot_product_attention,
    to_nchw,
    to_preferred_format,
    window_partition,
    window_unpartition,
)
from tests.versions import from_torch


@pytest.mark.parametrize('scale', [None, 0.3])
@pytest.mark.parametrize('biased', [False, True])
def test_attention_is_softmax_of_scores(scale, biased):
    q, k, v = (torch.randn(2, 3, n, 8, dtype=torch.float64) for n in (5, 7, 7))
    bias = torch.randn(3, 5, 7) if biased else None
    scores = q @ k.transpose(-2, -1) * (8**-0.5 if scale is None else scale)
    expected = (scores + (bias if biased else 0)).softmax(-1) @ v
    assert torch.allclose(scaled_dot_product_attention(q, k, v, bias, scale), expected)


def test_attention_with_a_bias_that_is_trained():
    """Values and all gradients, in the formula that a CPU takes then and in torch's own."""
    inputs = [torch.randn(2, 3, n, 8, dtype=torch.float64) for n in (5, 7, 7)]
    inputs.append(torch.randn(3, 5, 7, dtype=torch.float64))
    inputs = [x.requires_grad_() for x in inputs]
    q, k, v, bias = inputs
    ours = scaled_dot_product_attention(q, k, v, bias, 0.3)
    theirs = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=0.3)
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn_like(ours)
    gradients = (torch.autograd.grad((x * weights).sum(), inputs) for x in (ours, theirs))
    for mine, other in zip(*gradients):
        torch.testing.assert_close(mine, other)


@from_torch('2.2', 'has no fused attention on a CPU')
@pytest.mark.parametrize('dims', [2, 3, 4])
def test_attention_with_a_bias_is_fused(dims):
    """Fused kernels of a CPU take biases of two and four dimensions, and give way for three."""
    q = torch.randn(2, 3, 5, 8)
    bias = torch.randn(1, 3, 5, 5)[(0,) * (4 - dims)]
    with torch.no_grad(), torch.profiler.profile() as profile:
        scaled_dot_product_attention(q, q, q, bias)
    names = {event.key for event in profile.key_averages()}
    assert any('flash_attention_for_cpu' in name for name in names), names


def test_working_layout():
    image = torch.randn(1, 3, 5, 7)
    assert to_preferred_format(image).is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(to_preferred_format(image), image)
    meta = to_preferred_format(image.to('meta'))
    assert meta.is_contiguous(), "another device's images stay as they are"


@pytest.mark.parametrize('batch', [1, 2])
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_nchw(batch, layout):
    maps = torch.randn(batch, 3, 45, 47).contiguous(memory_format=layout).requires_grad_()
    for given in (maps, maps[:, :, 1:, :3], maps[:, :, :1, :1]):
        for with_gradients in (True, False):
            with torch.set_grad_enabled(with_gradients):
                assert to_nchw(given).is_contiguous()
                assert torch.equal(to_nchw(given), given)
    to_nchw(maps).square().sum().backward()
    assert torch.equal(maps.grad, 2 * maps.detach())


def test_self_attention_splits_qkv_then_heads():
    """Rows of ``qkv``: all of q, then k, then v; within each, head by head."""
    layer = SelfAttention(12, head_dim=4).double()
    x = torch.randn(2, 6, 12, dtype=torch.float64)
    q, k, v = (x @ w.T + b for w, b in zip(layer.qkv.weight.chunk(3), layer.qkv.bias.chunk(3)))
    heads = []
    for i in range(0, 12, 4):
        scores = q[..., i : i + 4] @ k[..., i : i + 4].transpose(1, 2) / 2
        heads.append(scores.softmax(-1) @ v[..., i : i + 4])
    assert torch.allclose(layer(x), layer.proj(torch.cat(heads, -1)))
    with pytest.raises(ValueError, match='head_dim must divide the width 12, got 5'):
        SelfAttention(12, head_dim=5)


def test_windows_hold_neighbours():
    x = torch.arange(1.0, 5 * 7 + 1).view(1, 5, 7, 1)
    windows, grid = window_partition(x, 3)
    assert grid == (2, 3)
    assert windows.shape == (6, 9, 1)
    assert torch.equal(windows[0, :, 0], x[0, :3, :3, 0].flatten())
    assert windows[5, :, 0].tolist() == [28.0, 0, 0, 35.0, 0, 0, 0, 0, 0], 'zeros right and below'
    assert torch.equal(window_unpartition(windows, 3, grid, (5, 7)), x)


def test_padding():
    x = torch.ones(1, 1, 4, 5)
    assert pad_to_multiple(x, 1) is x
    padded = pad_to_multiple(x, 4)
    assert padded.shape == (1, 1, 4, 8)
    assert padded.sum() == x.sum() == padded[..., :5].sum()
    assert pad_to_multiple(torch.ones(1, 4, 5, 2), 4, dims=(1, 2)).shape == (1, 4, 8, 2)


def test_layer_norm_is_over_channels():
    norm = LayerNorm2d(6, eps=1e-6).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(2, 6, 3, 4, dtype=torch.float64)
    mean, var = x.mean(1, keepdim=True), x.var(1, unbiased=False, keepdim=True)
    expected = (x - mean) / (var + 1e-6).sqrt()
    expected = expected * norm.weight.view(-1, 1, 1) + norm.bias.view(-1, 1, 1)
    assert torch.allclose(norm(x), expected)


@pytest.mark.parametrize('training', [False, True])
@pytest.mark.parametrize('batch', [1, 2])
def test_batch_norm_gradient_in_any_memory_order(batch, training):
    """One image, and a gradient that arrives channels last: against the formula's gradient."""
    norm = BatchNorm2d(4).double().train(training)
    nn.init.normal_(norm.running_mean)
    nn.init.normal_(norm.weight)
    mean, var = norm.running_mean.clone().view(-1, 1, 1), norm.running_var.clone().view(-1, 1, 1)
    x = torch.randn(batch, 4, 5, 6, dtype=torch.float64)
    gradient = torch.randn(batch, 30, 4, dtype=torch.float64)
    ours, formula = x.clone().requires_grad_(), x.clone().requires_grad_()
    if training:
        mean = formula.mean((0, 2, 3), keepdim=True)
        var = formula.var((0, 2, 3), keepdim=True, unbiased=False)
    expected = (formula - mean) / (var + 1e-5).sqrt() * norm.weight.detach().view(-1, 1, 1)
    norm(ours).flatten(2).transpose(1, 2).backward(gradient)
    expected.flatten(2).transpose(1, 2).backward(gradient)
    assert torch.allclose(ours.grad, formula.grad)
    assert torch.allclose(norm.bias.grad, gradient.sum((0, 1)))


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_batch_norm_gradient_has_the_order_of_its_map(layout):
    """torch's kernel is ten times slower where the two differ."""
    seen = []
    x = torch.randn(2, 4, 5, 6).contiguous(memory_format=layout).requires_grad_()
    out = BatchNorm2d(4)(x)
    out.register_hook(lambda gradient: seen.append(gradient.is_contiguous(memory_format=layout)))
    out.transpose(2, 3).flatten(1).transpose(0, 1).square().sum().backward()
    assert seen == [True]


def test_layer_scale():
    layer = LayerScale((1, 3, 1, 1), init=0.5)
    assert torch.equal(layer(torch.ones(2, 3, 4, 4)), torch.full((2, 3, 4, 4), 0.5))


def test_mlp_uses_exact_gelu():
    mlp = Mlp(3, 5)
    x = torch.randn(2, 3)
    hidden = mlp.fc1(x)
    gelu = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))
    assert torch.allclose(mlp(x), mlp.fc2(gelu), atol=1e-6)


def test_drop_path_drops_samples_and_keeps_the_mean():
    drop = DropPath(0.25)
    x = torch.ones(4000, 2, 3)
    out = drop(x)
    assert set(out.unique().tolist()) == {0.0, (torch.ones(()) / 0.75).item()}
    assert (out.flatten(1) == out[:, :1, :1].flatten(1)).all(), 'whole samples'
    assert out.mean().item() == pytest.approx(1, abs=0.05)
    assert drop.eval()(x) is x
    assert DropPath(0.0)(x) is x


def test_drop_path_rates_are_linear_over_all_blocks():
    rates = drop_path_rates(0.3, (1, 2, 1))
    assert [len(stage) for stage in rates] == [1, 2, 1]
    assert [rate for stage in rates for rate in stage] == pytest.approx([0, 0.1, 0.2, 0.3])
    for wrong in (-0.1, 1.0):
        with pytest.raises(ValueError, match='drop_path_rate must be in'):
            drop_path_rates(wrong, (1,))


def test_checkpointing_counts_a_batch_once():
    block = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU())
    plain = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU())
    plain.load_state_dict(block.state_dict())
    x = torch.randn(2, 3, 4, 4, requires_grad=True)
    checkpoint_block(block, x).square().sum().backward()
    plain(x.detach()).square().sum().backward()
    for ours, theirs in zip(block.state_dict().values(), plain.state_dict().values()):
        assert torch.equal(ours, theirs)
    for ours, theirs in zip(block.parameters(), plain.parameters()):
        assert torch.allclose(ours.grad, theirs.grad)
    assert block[1].momentum == 0.1


def test_old_torch_has_no_is_compiling(monkeypatch):
    assert not is_compiling()
    monkeypatch.delattr(torch.compiler, 'is_compiling', raising=False)
    assert not is_compiling()
    assert BatchNorm2d(3)(torch.randn(1, 3, 4, 4)).shape == (1, 3, 4, 4)


def test_group_norm_behind_frozen_layers():
    """torch's own crashes the process here: the map is channels-last and needs no gradient."""
    x = torch.randn(2, 4, 5, 7)
    norm, other = GroupNorm(1, 4), nn.GroupNorm(1, 4)
    norm(x.contiguous(memory_format=torch.channels_last)).square().sum().backward()
    other(x).square().sum().backward()
    torch.testing.assert_close(norm.weight.grad, other.weight.grad)
    torch.testing.assert_close(norm.bias.grad, other.bias.grad)

"""Attention as GPUs' kernels want it: the same numbers, and no arch that they refuse.

torch asks a GPU whether a kernel takes an attention. Without one, what it would ask is looked at
here, on the meta device, which stands for a GPU.
"""

import pytest
import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from hybrid_backbones import create_backbone, list_backbones
from hybrid_backbones.backbones import rel_pos_encoding
from hybrid_backbones.layers import attention, scaled_dot_product_attention
from hybrid_backbones.layers.fused_attention import align_bias, align_heads
from hybrid_backbones.layers.gpu import meta_as_gpu
from tests.backbones.test_low_rank_encoding import build

SMALL = (torch.bfloat16, torch.float16)


def refusal(q, k, v, bias):
    """Why the memory-efficient kernel, or without a bias FlashAttention, would not run."""
    if any(x.stride(-1) != 1 for x in (q, k, v)):
        return 'channels do not lie side by side'
    width = q.shape[-1]
    multiple = 8 if q.dtype in SMALL else 4
    flash = bias is None and q.dtype in SMALL and width <= 256
    if width % multiple and not flash:
        return f'heads of {width} channels'
    if bias is None:
        return ''
    if bias.dtype != q.dtype:
        return f'a bias of {bias.dtype}'
    if bias.stride(-1) != 1 or any(step % 16 for step in bias.stride()[:-1]):
        return f'rows of the bias that torch copies: {bias.stride()}'
    return ''


class Kernels(TorchFunctionMode):
    """Notes every attention that torch is asked for."""

    def __init__(self):
        super().__init__()
        self.refusals, self.count = set(), 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is F.scaled_dot_product_attention:
            self.count += 1
            reason = refusal(*args, (kwargs or {}).get('attn_mask'))
            self.refusals |= {reason} if reason else set()
        return func(*args, **(kwargs or {}))


def kernels_of(name, dtype, size, channels_last=False, autocast=False, **options):
    with torch.device('meta'):
        backbone = create_backbone(name, **options).eval().to(dtype)
    image = torch.empty(2, 3, *size, device='meta', dtype=dtype)
    if channels_last:
        image = image.contiguous(memory_format=torch.channels_last)
    with meta_as_gpu(autocast), Kernels() as kernels, torch.no_grad():
        backbone(image)
    return kernels


@pytest.mark.parametrize('name', list_backbones())
@pytest.mark.parametrize(
    'dtype, channels_last',
    [(torch.bfloat16, False), (torch.bfloat16, True), (torch.float32, False)],
    ids=['bf16', 'bf16 channels last', 'fp32'],
)
def test_no_kernel_refuses(name, dtype, channels_last):
    found = kernels_of(name, dtype, (160, 256), channels_last)
    assert found.count and not found.refusals


def test_no_kernel_refuses_encodings_as_trained():
    found = kernels_of('transxnet_b', torch.bfloat16, (224, 224))
    assert found.count and not found.refusals


@pytest.mark.parametrize('attention', ['global', 'hybrid', 'window'])
def test_no_kernel_refuses_uniformers_options(attention):
    found = kernels_of('uniformer_small', torch.bfloat16, (320, 512), stage3_attention=attention)
    assert found.count and not found.refusals


@pytest.mark.parametrize('window', [7, 13, 15])
def test_no_kernel_refuses_hrformers_windows(window):
    found = kernels_of('hrformer_base', torch.bfloat16, (224, 288), window_size=window)
    assert found.count and not found.refusals
    without = kernels_of('hrformer_base', torch.float32, (224, 288), with_rel_pos_bias=False)
    assert without.count and not without.refusals


@pytest.mark.parametrize(
    'width, dtype', [(18, torch.float32), (39, torch.float64), (8, torch.float32)]
)
def test_padding_changes_nothing(width, dtype):
    """Forward and backward, beside the plain formula."""
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, 49, width, dtype=dtype, requires_grad=True) for _ in range(3))
    bias = torch.randn(3, 49, 49, dtype=dtype, requires_grad=True)
    expected = (q @ k.transpose(2, 3) * width**-0.5 + bias).softmax(-1) @ v
    found = attention._attend_on_gpu(q, k, v, bias[None], None)
    tolerance = dict(rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found, expected, **tolerance)
    weights = torch.randn_like(expected)
    inputs = (q, k, v, bias)
    for ours, theirs in zip(
        torch.autograd.grad((found * weights).sum(), inputs),
        torch.autograd.grad((expected * weights).sum(), inputs),
    ):
        torch.testing.assert_close(ours, theirs, **tolerance)


def test_scale_of_padded_heads():
    q, k, v = (torch.randn(1, 2, 6, 5) for _ in range(3))
    for scale in (None, 0.3):
        found = attention._attend_on_gpu(q, k, v, torch.zeros(1, 1, 6, 6), scale)
        torch.testing.assert_close(found, scaled_dot_product_attention(q, k, v, scale=scale))


def test_alignment():
    bias = torch.randn(2, 6, 49)
    aligned = align_bias(bias)
    assert torch.equal(aligned, bias) and aligned.stride() == (6 * 64, 64, 1)
    assert align_bias(aligned) is aligned
    assert align_heads(torch.ones(1, 1, 2, 8)).shape[-1] == 8
    assert align_heads(torch.ones(1, 1, 2, 5)).shape[-1] == 8
    assert align_heads(torch.ones(1, 1, 2, 5).bfloat16()).shape[-1] == 8
    assert align_heads(torch.ones(1, 1, 2, 4)).shape[-1] == 4


def test_a_gpu_is_not_waited_for(monkeypatch):
    """Comparing values waits, and no CUDA graph can: nothing is kept there."""
    monkeypatch.setattr(torch, 'equal', lambda *_: pytest.fail('values are compared'))
    backbone = build().eval().to('meta')
    with meta_as_gpu(), torch.no_grad():
        for _ in range(2):
            backbone(torch.empty(1, 3, 160, 192, device='meta'))
    assert all(stage.rel_pos._kept is None for stage in backbone.stages)


def test_large_encodings_are_factors_on_a_gpu():
    """No tensor of queries by keys: FlashAttention takes no bias."""
    encoding = rel_pos_encoding.RelPosEncoding(2, 56, 8).to('meta')
    with meta_as_gpu():
        assert isinstance(encoding(200, 320), rel_pos_encoding.LowRankBias)
        assert encoding(57, 56).shape == (1, 2, 57 * 56, 8 * 7)
    with torch.no_grad():  # on the meta device as such, as on a CPU
        assert not isinstance(rel_pos_encoding.RelPosEncoding(1, 14, 2)(50, 80), tuple)


@pytest.mark.parametrize('autocast, dtype, expected', [
    (False, torch.float32, False),
    (True, torch.float32, True),
    (False, torch.bfloat16, True),
])  # fmt: skip
def test_layout(autocast, dtype, expected):
    """cuDNN has depthwise kernels of 7x7 and 11x11 in 16 bit for channels last alone."""
    seen = []
    with torch.device('meta'):
        backbone = create_backbone('transxnet_t').eval().to(dtype)
    # later maps keep the layout on a GPU; the meta device does not imitate that
    backbone.stem.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs))
    with meta_as_gpu(autocast), torch.no_grad():
        levels = backbone(torch.empty(2, 3, 256, 320, device='meta', dtype=dtype))
    assert [x.stride(1) == 1 for x in seen] == [expected]
    assert all(level.is_contiguous() for level in levels), 'necks take NCHW'

"""A backbone against the recorded numbers of the authors' code: what all families' tests share."""

import re
from typing import Callable, Dict, Iterable, List

import pytest
import torch
import torch.nn.functional as F

from hybrid_backbones.backbones import conformer
from hybrid_backbones.backbones.base import HybridBackbone
from hybrid_backbones.weights import KeyMapping
from hybrid_backbones.weights.key_mapping import join_parts, whole_of
from tests.golden import Golden


def load_published(backbone: HybridBackbone, key_mapping: KeyMapping, state: dict) -> None:
    """Strictly but for the classifier: every weight of ours comes from the published file."""
    ours = {key_mapping.to_ours(k): v for k, v in state.items() if not key_mapping.is_unused(k)}
    built = backbone.state_dict().keys()
    left_out = re.compile('|'.join(backbone.optional_keys) or '(?!)')
    ours = {k: v for k, v in join_parts(ours).items() if k in built or not left_out.fullmatch(k)}
    missing, unexpected = backbone.load_state_dict(ours, strict=False)
    assert not unexpected
    assert all(key.startswith(backbone.keys_not_in_pretrained) for key in missing)


def part_of_ours(tensors: Dict[str, torch.Tensor], name: str) -> torch.Tensor:
    """The tensor with our name, or the part of it that ``name`` says."""
    whole, _, part = name.partition('[')
    if not part:
        return tensors[whole]
    index, count = (int(n) for n in part[:-1].split('/'))
    return tensors[whole].chunk(count)[index]


def slow_if(large: Callable[[str], bool], items: Iterable) -> List:
    """Parameters for pytest, with readable ids; those whose tag or name is large are slow.

    Of a large backbone ``make test`` has one image size for each mode, the oblong one; the others
    are extended.
    """
    found, seen = [], set()
    for item in items:
        name = getattr(item, 'tag', item)
        run = re.sub(r'\d+x\d+$', '', name)
        marks = [pytest.mark.slow] if large(name) else []
        if marks and run in seen:
            marks.append(pytest.mark.extended)
        seen.add(run)
        found.append(pytest.param(item, id=name, marks=marks))
    return found


def assert_level(ours: torch.Tensor, theirs: torch.Tensor, tolerance: float = 1e-4) -> None:
    """``|ours - theirs| <= tolerance * (|theirs| + std)`` everywhere."""
    assert ours.shape == theirs.shape
    excess = ((ours - theirs).abs() / (theirs.abs() + theirs.std())).max().item()
    assert excess <= tolerance, f'off by {excess:.1e} of (|value| + std)'


def assert_gradients(backbone: HybridBackbone, key_mapping: KeyMapping, golden: Golden) -> None:
    """Loss, gradient norms and sampled gradients, against each parameter's gradient norm.

    In float64: in float32 a ReLU's input near zero may fall on the other side with another number
    of threads, which moves some gradients by more than the tolerance.
    """
    meta, arrays = golden.meta, golden.arrays
    backbone = backbone.double()
    loss = sum(level.square().mean() for level in backbone(golden.image().double()))
    loss.backward()
    assert loss.item() == pytest.approx(meta['loss_float64'], rel=1e-8)
    gradients = {name: p.grad for name, p in backbone.named_parameters()}
    whole = {whole_of(key_mapping.to_ours(theirs)) for theirs in meta['all_norms']}
    assert whole == gradients.keys()
    for theirs, norm in meta['all_norms'].items():
        gradient = part_of_ours(gradients, key_mapping.to_ours(theirs))
        if theirs in meta['zero_grad']:  # exactly: what is recorded is rounding noise
            assert gradient.norm() < 1e-6 * meta['loss'], theirs
            continue
        assert gradient.double().norm().item() == pytest.approx(norm, rel=1e-4, abs=1e-7), theirs
    for theirs, info in meta['params'].items():
        gradient = part_of_ours(gradients, key_mapping.to_ours(theirs)).reshape(-1)
        sampled = gradient[torch.from_numpy(arrays[f'{theirs}/positions'])]
        typical = info['norm'] / gradient.numel() ** 0.5
        error = (sampled - torch.from_numpy(arrays[f'{theirs}/values'])).abs().max().item()
        scale = max(typical, abs(arrays[f'{theirs}/values']).max())
        assert error <= 1e-4 * scale, theirs


def count_as_published(monkeypatch) -> None:
    """Let FLOPs be counted of the published order, where ours computes the same with less.

    Conformer's authors project maps to tokens before they pool; ours pools first.
    """

    def forward(self, x):
        x = F.avg_pool2d(self.proj(x), self.stride)
        return F.gelu(self.norm(x.flatten(2).transpose(1, 2)))

    monkeypatch.setattr(conformer.FCUDown, 'forward', forward)

"""A backbone against the recorded numbers of the authors' code: what all families' tests share."""

from typing import Callable, Iterable, List

import pytest
import torch

from hybrid_backbones.backbones.base import HybridBackbone
from hybrid_backbones.weights import Dialect

from .golden import Golden


def load_published(backbone: HybridBackbone, dialect: Dialect, state: dict) -> None:
    """Strictly but for the classifier: every weight of ours comes from the published file."""
    ours = {dialect.to_ours(k): v for k, v in state.items() if not dialect.is_classifier(k)}
    missing, unexpected = backbone.load_state_dict(ours, strict=False)
    assert not unexpected
    assert all(key.startswith('out_norms.') for key in missing)


def slow_if(large: Callable[[str], bool], items: Iterable) -> List:
    """Parameters for pytest, with readable ids; those whose tag or name is large are slow."""
    names = [(item, getattr(item, 'tag', item)) for item in items]
    return [
        pytest.param(item, id=name, marks=[pytest.mark.slow] if large(name) else [])
        for item, name in names
    ]


def assert_gradients(backbone: HybridBackbone, dialect: Dialect, golden: Golden) -> None:
    """Loss, gradient norms and sampled gradients, against each parameter's gradient norm."""
    meta, arrays = golden.meta, golden.arrays
    loss = sum(level.square().mean() for level in backbone(golden.image()))
    loss.backward()
    assert loss.item() == pytest.approx(meta['loss'], rel=1e-5)
    parameters = dict(backbone.named_parameters())
    assert len(meta['all_norms']) == len(parameters)
    for theirs, norm in meta['all_norms'].items():
        gradient = parameters[dialect.to_ours(theirs)].grad
        assert gradient.double().norm().item() == pytest.approx(norm, rel=1e-4, abs=1e-7), theirs
    for theirs, info in meta['params'].items():
        gradient = parameters[dialect.to_ours(theirs)].grad.reshape(-1)
        sampled = gradient[torch.from_numpy(arrays[f'{theirs}/positions'])]
        typical = info['norm'] / gradient.numel() ** 0.5
        error = (sampled - torch.from_numpy(arrays[f'{theirs}/values'])).abs().max().item()
        scale = max(typical, abs(arrays[f'{theirs}/values']).max())
        assert error <= 1e-4 * scale, theirs

"""Modules under another class: the same weights, and the original as it was."""

import pytest
import torch
from torch import nn

from hybrid_backbones.deploy.exporting.dynamic_shapes import AnySizeSelfAttention, for_any_size
from hybrid_backbones.deploy.subclass import as_subclass
from hybrid_backbones.layers import SelfAttention


class Doubled(nn.BatchNorm1d):
    def forward(self, x):
        return 2 * super().forward(x)


def test_shares_what_the_module_holds():
    norm = nn.BatchNorm1d(3).eval()
    calls = []
    norm.register_forward_hook(lambda *_: calls.append('hook'))
    doubled = as_subclass(norm, Doubled)
    assert type(norm) is nn.BatchNorm1d and type(doubled) is Doubled
    assert doubled.weight is norm.weight and doubled.running_mean is norm.running_mean
    assert doubled.training is False and doubled.eps == norm.eps
    x = torch.randn(4, 3)
    torch.testing.assert_close(doubled(x), 2 * norm(x))
    assert calls == ['hook', 'hook']


def test_what_is_registered_later_is_not_shared():
    norm = nn.BatchNorm1d(3)
    doubled = as_subclass(norm, Doubled)
    doubled.extra = nn.Linear(1, 1)
    doubled.register_buffer('more', torch.zeros(1))
    doubled.register_forward_hook(lambda *_: None)
    assert list(norm.children()) == []
    assert 'more' not in norm.state_dict()
    assert not norm._forward_hooks


def test_not_of_another_class():
    with pytest.raises(TypeError, match=r'^Doubled does not derive from Linear$'):
        as_subclass(nn.Linear(1, 1), Doubled)


def test_shared_modules_stay_shared():
    """Also by two names of one parent; and whatever is replaced may be the whole."""
    attention = SelfAttention(8, head_dim=4)
    tree = nn.ModuleDict({'a': attention, 'b': nn.Sequential(attention), 'c': attention})
    changed = for_any_size(tree)
    assert changed['a'] is changed['b'][0] is changed['c']
    assert type(changed['a']) is AnySizeSelfAttention
    assert type(attention) is SelfAttention
    assert type(for_any_size(attention)) is AnySizeSelfAttention

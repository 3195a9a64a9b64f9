"""UniFormer against the numbers of the authors' code."""

import pytest
import torch
from torch import nn

from hybrid_backbones import UniFormer
from hybrid_backbones.layers import LayerNorm2d
from hybrid_backbones.weights.families.uniformer import AUTHORS
from tests.golden import assert_close, goldens, manifest, published_state, variants
from tests.parity import assert_gradients, load_published, slow_if
from tests.reference import deterministic

TOLERANCE = 1e-4
MODES = {'': 'global', 'global': 'global', 'windows': 'window', 'hybrid': 'hybrid'}
LARGE = ('base', 'large', 'plus', 'dim64', '_tl')


def arch_of(variant: str) -> str:
    return variant[len('uniformer_') :]


def load(backbone: UniFormer, state: dict) -> None:
    load_published(backbone, AUTHORS, state)


def slow_if_large(items):
    return slow_if(lambda name: any(word in name for word in LARGE), items)


@pytest.mark.parametrize(
    'golden', slow_if_large([g for g in goldens('uniformer') if g.mode in MODES])
)
def test_levels(golden):
    backbone = UniFormer(arch_of(golden.variant), stage3_attention=MODES[golden.mode]).eval()
    load(backbone, published_state(golden.variant, golden.mode or 'default'))
    with torch.inference_mode():
        levels = backbone(golden.image())
    for name, level in zip(('c2', 'c3', 'c4', 'c5'), levels):
        assert_close(level, golden, name, TOLERANCE)


@pytest.mark.parametrize(
    'golden', slow_if_large([g for g in goldens('uniformer') if g.mode == 'stages'])
)
def test_stages(golden):
    """Archs that the authors' dense code cannot build: the stages' outputs before any norm."""
    backbone = UniFormer(arch_of(golden.variant)).eval()
    load(backbone, published_state(golden.variant))
    seen = []
    for stage in backbone.stages:
        stage.blocks[-1].register_forward_hook(lambda module, args, out: seen.append(out))
    with torch.inference_mode():
        backbone(golden.image())
    for name, level in zip(('stage1', 'stage2', 'stage3', 'stage4'), seen):
        assert_close(level, golden, name, TOLERANCE)


@pytest.mark.parametrize('golden', goldens('uniformer', 'grad'), ids=lambda g: g.tag)
def test_gradients(golden):
    backbone = UniFormer(arch_of(golden.variant), stage3_attention=MODES[golden.mode]).eval()
    load(backbone, published_state(golden.variant, golden.mode or 'default'))
    assert_gradients(backbone, AUTHORS, golden)


@pytest.mark.parametrize('variant', variants('uniformer'))
def test_parameter_count(variant):
    """As the manifest, plus output norms where the authors' dense code has none."""
    with torch.device('meta'):
        backbone = UniFormer(arch_of(variant))
    info = next(iter(manifest(variant)['dense'].values()))
    norms = 0 if info['dense_only'] else 2 * sum(backbone.arch.dims)
    assert sum(p.numel() for p in backbone.parameters()) == info['dense_params'] + norms


@pytest.mark.parametrize('arch', ['small', 'small_plus', 'large_ls_tl', 'xs'])
def test_eps_and_activation(arch):
    """What no golden number can see."""
    with torch.device('meta'):
        backbone = UniFormer(arch)
    for name, module in backbone.named_modules():
        if isinstance(module, nn.LayerNorm):
            embedding = name.startswith('stem.') or '.downsample.' in name
            assert module.eps == (1e-5 if embedding else 1e-6), name
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.eps, module.momentum) == (1e-5, 0.1), name
        elif isinstance(module, nn.GELU):
            assert module.approximate == 'none', name
    assert isinstance(backbone.out_norms['0'], LayerNorm2d)


def test_published_initialisation():
    backbone = UniFormer('large_ls_tl', out_indices=(2,))
    for name, module in backbone.named_modules():
        if isinstance(module, nn.Linear):
            assert module.bias.abs().max() == 0, name
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.05), name
    assert set(backbone.stages[0].blocks[0].scale1.gamma.flatten().tolist()) == {
        torch.tensor(1e-6).item()
    }


def test_layer_scale_stages():
    with torch.device('meta'):
        names = [n for n, _ in UniFormer('base_ls').named_parameters() if n.endswith('gamma')]
    assert {n.split('.')[1] for n in names} == {'2', '3'}
    assert len(names) == 2 * (20 + 7)


def test_head_dim_changes_numbers_but_no_shape():
    image = torch.from_numpy(deterministic.image(64, 64))
    wide, narrow = UniFormer('small').eval(), UniFormer('small', head_dim=32).eval()
    narrow.load_state_dict(wide.state_dict())
    assert not torch.allclose(wide(image)[2], narrow(image)[2], atol=1e-3)
    tl = UniFormer('small_tl').eval()
    tl.load_state_dict(wide.state_dict())
    assert torch.equal(tl(image)[3], narrow(image)[3])


def test_eval_attention_is_a_switch():
    """Train global, test hybrid: same weights, each mode as if built for it; frozen stages too."""
    image = torch.from_numpy(deterministic.image(64, 352))
    both = UniFormer(
        'small', eval_stage3_attention='hybrid', window_size=5, frozen_stages=3, norm_eval=True
    )
    same = {
        mode: UniFormer('small', stage3_attention=mode, window_size=5) for mode in MODES.values()
    }
    for other in same.values():
        other.load_state_dict(both.state_dict())
        other.eval()
    assert torch.equal(both.train()(image)[2], same['global'](image)[2])
    assert torch.equal(both.eval()(image)[2], same['hybrid'](image)[2])
    assert not torch.equal(same['global'](image)[2], same['hybrid'](image)[2])
    assert not torch.equal(same['window'](image)[2], same['hybrid'](image)[2])


def test_hybrid_is_global_in_every_fourth_block():
    backbone = UniFormer('base', stage3_attention='hybrid', out_indices=(2,))
    assert [i for i, window in enumerate(backbone._windows()) if window == 0] == [3, 7, 11, 15, 19]


@pytest.mark.parametrize(
    'option, message',
    [
        (dict(stage3_attention='windows'), 'stage3_attention must be one of'),
        (dict(eval_stage3_attention='local'), 'eval_stage3_attention must be one of'),
        (dict(arch='xs', stage3_attention='window'), "stage3_attention='global' alone"),
        (dict(window_size=0), 'window_size must be a positive int'),
        (dict(head_dim=48), 'head_dim must divide the width 320'),
        (dict(drop_path_rate=1.0), 'drop_path_rate must be'),
    ],
)
def test_wrong_options(option, message):
    with pytest.raises(ValueError, match=message):
        UniFormer(**{'arch': 'small', **option})

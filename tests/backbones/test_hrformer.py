"""HRFormer against the numbers of the authors' code, and against MMPose's own."""

import pytest
import torch
from torch import nn

from hybrid_backbones import HRFormer
from hybrid_backbones.backbones.hrformer import WindowAttention
from hybrid_backbones.backbones.hrformer_streams import Upsample
from hybrid_backbones.weights.families.hrformer import AUTHORS, OPENMMLAB
from tests.golden import assert_close, goldens, manifest, published_state, variants
from tests.parity import assert_gradients, assert_level, load_published, slow_if

TOLERANCE = 3e-5
POSE = dict(with_rel_pos_bias=False, fuse_upsample='bilinear')
MODES = {'seg': {}, 'pose': POSE, 'posehead': dict(out_indices=(0,), **POSE)}


def arch_of(variant):
    return variant[len('hrformer_') :]


def published(golden):
    backbone = HRFormer(arch_of(golden.variant), **MODES[golden.mode or 'seg']).eval()
    load_published(backbone, AUTHORS, published_state(golden.variant))
    return backbone


def slow_if_large(items):
    return slow_if(lambda name: 'base' in name, items)


@pytest.mark.parametrize('golden', slow_if_large(goldens('hrformer')))
def test_streams(golden):
    with torch.inference_mode():
        streams = published(golden)(golden.image())
    assert len(streams) == (1 if golden.mode == 'posehead' else 4)
    for i, stream in enumerate(streams):
        assert_close(stream, golden, f'stream{i}', TOLERANCE)


@pytest.mark.parametrize('golden', goldens('hrformer', 'grad'), ids=lambda g: g.tag)
def test_gradients(golden):
    assert_gradients(published(golden), AUTHORS, golden)


@pytest.mark.parametrize('variant', variants('hrformer'))
@pytest.mark.parametrize('mode', MODES)
def test_parameter_count(variant, mode):
    """In the pose modes the authors' code has tables of position biases that it never uses."""
    with torch.device('meta'):
        backbone = HRFormer(arch_of(variant), **MODES[mode])
    expected = manifest(variant)['dense'][mode]['dense_params']
    if 'pose' in mode:
        left_out = set(manifest(variant)['dense'][mode]['cls_only'])
        expected -= sum(
            shape[0] * shape[1]
            for key, shape, *_ in manifest(variant)['cls_state']
            if key.endswith('relative_position_bias_table') and key not in left_out
        )
    assert sum(p.numel() for p in backbone.parameters()) == expected


def test_eps_and_activation():
    """What no golden number can see."""
    with torch.device('meta'):
        backbone = HRFormer('base')
    for name, module in backbone.named_modules():
        if isinstance(module, nn.LayerNorm):
            assert module.eps == 1e-6, name
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.eps, module.momentum) == (1e-5, 0.1), name
        elif isinstance(module, nn.GELU):
            assert module.approximate == 'none', name


def test_drop_path_is_linear_over_blocks_and_equal_in_all_streams():
    backbone = HRFormer('tiny', drop_path_rate=0.11)  # 2 * (1 + 3 + 2) = 12 blocks deep
    rates = [
        {blocks[k].drop_path.drop_prob for blocks in module.branches}
        for stage in backbone.stages[1:]
        for module in stage.blocks
        for k in range(2)
    ]
    assert [len(same) for same in rates] == [1] * 12
    assert [rate for (rate,) in rates] == pytest.approx([i / 100 for i in range(12)])


def test_checkpointing_counts_the_blocks_of_a_stream():
    """Three of each stream: both of the first module and one of the second."""
    backbone = HRFormer('tiny', with_cp=(0, 0, 3, 0))
    modules = backbone.stages[2].blocks
    expected = {
        f'stages.2.blocks.{m}.branches.{stream}.{k}'
        for m, k in ((0, 0), (0, 1), (1, 0))
        for stream in range(3)
    }
    names = {module: name for name, module in backbone.named_modules()}
    calls = dict.fromkeys(
        (b for stage in backbone.stages[1:] for m in stage.blocks for br in m.branches for b in br),
        0,
    )
    for block in calls:
        block.register_forward_pre_hook(lambda block, _: calls.update({block: calls[block] + 1}))
    sum(level.mean() for level in backbone(torch.randn(2, 3, 64, 64))).backward()
    assert len(modules) == 3
    assert {names[block] for block, times in calls.items() if times == 2} == expected
    assert {names[block] for block in backbone.stages[2].checkpointed_blocks()} == expected


def test_last_exchange_is_built_for_the_chosen_streams_only():
    one, all_four = HRFormer('tiny', out_indices=(1,)), HRFormer('tiny')
    extra = {name for name in all_four.state_dict() if name not in one.state_dict()}
    assert extra
    assert all(name.startswith('stages.3.blocks.1.fuse.') for name in extra)
    one.load_state_dict(all_four.state_dict(), strict=False)
    image = torch.randn(1, 3, 64, 96)
    assert torch.equal(one.eval()(image)[0], all_four.eval()(image)[1])


@pytest.mark.parametrize(
    'method, expected',
    [
        # [0, 0, 4, 4, 8, 8] at 0, 1.25, 2.5, 3.75 and 5: corners stay where they are
        ('nearest', [0, 1, 4, 7, 8]),
        # [0, 1, 3, 5, 7, 8] at 0.1, 1.3, 2.5, 3.7 and 4.9, as pixels that are areas
        ('bilinear', [0.1, 1.6, 4, 6.4, 7.9]),
    ],
)
def test_streams_grow_to_odd_sizes(method, expected):
    """The recorded sizes are even throughout."""
    layer = Upsample(1, 1, factor=2, method=method).eval()
    nn.init.ones_(layer.conv.weight)
    layer.bn.eps = 1e-12  # nothing beside 1; torch 2.10 refuses 0
    row = layer(torch.tensor([0.0, 4.0, 8.0]).expand(1, 1, 3, 3), (5, 5))[0, 0, 2]
    torch.testing.assert_close(row, torch.tensor(expected).float())


def test_padding_is_centred():
    """9 positions in windows of 7: 5 zeros, 2 before and 3 after."""
    layer = WindowAttention(4, 1, window=7, with_rel_pos_bias=False)
    nn.init.eye_(layer.attn.proj.weight)
    nn.init.zeros_(layer.attn.qkv.weight)
    layer.attn.qkv.weight.data[8:] = torch.eye(4)  # values as they are; all scores alike
    nn.init.zeros_(layer.attn.qkv.bias)
    nn.init.zeros_(layer.attn.proj.bias)
    out = layer(torch.ones(1, 9, 9, 4))[0, :, :, 0]
    assert out[0, 0].item() == pytest.approx(5 * 5 / 49)
    assert out[4, 4].item() == pytest.approx(5 * 5 / 49)
    assert out[5, 5].item() == pytest.approx(4 * 4 / 49)


@pytest.mark.parametrize('window', [13, 15])
def test_other_windows_take_the_published_tables(tmp_path, window):
    state = published_state('hrformer_tiny')
    torch.save({'model': state}, tmp_path / 'hrt_tiny.pth')
    cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'hrt_tiny.pth'))
    backbone = HRFormer('tiny', window_size=window, init_cfg=cfg)
    backbone.init_weights()
    name = 'stage3.1.branches.1.0.attn.attn.relative_position_bias_table'
    theirs = state[name].view(13, 13, 2)
    ours = backbone.stages[2].blocks[1].branches[1][0].attn.rel_pos_bias
    ours = ours.detach().view(2 * window - 1, 2 * window - 1, 2)
    assert torch.allclose(ours[window - 1, window - 1], theirs[6, 6], atol=1e-6), 'the middle'
    assert ours.min() >= theirs.min()
    assert ours.max() <= theirs.max()
    assert not torch.allclose(ours[0], ours[-1])
    assert backbone(torch.randn(1, 3, 100, 132))[3].shape == (1, 144, 4, 5)


def test_bias_left_over_on_purpose(tmp_path, caplog):
    torch.save(published_state('hrformer_tiny'), tmp_path / 'hrt_tiny.pth')
    cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'hrt_tiny.pth'))
    backbone = HRFormer('tiny', with_rel_pos_bias=False, out_indices=(0,), init_cfg=cfg)
    backbone.init_weights()
    assert backbone.is_init


@pytest.mark.parametrize('with_bias', [True, False])
def test_against_mmpose(with_bias):
    """An independent implementation, with random weights carried over by the table of names."""
    pytest.importorskip('mmpose')
    from mmpose.models.backbones.hrformer import HRFormer as Theirs

    def stage(streams, modules):
        return dict(
            num_modules=modules,
            num_branches=streams,
            block='HRFORMERBLOCK',
            num_blocks=(2,) * streams,
            num_channels=tuple(18 * 2**i for i in range(streams)),
            num_heads=[2**i for i in range(streams)],
            mlp_ratios=[4] * streams,
            window_sizes=[7] * streams,
        )

    first = dict(
        num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(2,), num_channels=(64,)
    )
    theirs = Theirs(
        extra=dict(
            drop_path_rate=0.0,
            with_rpe=with_bias,
            stage1=dict(first, num_heads=[2], num_mlp_ratios=[4]),
            stage2=stage(2, 1),
            stage3=stage(3, 3),
            stage4=dict(stage(4, 2), multiscale_output=True),
        ),
        norm_cfg=dict(type='BN'),
    )
    theirs.eval()  # which returns None
    ours = HRFormer('tiny', with_rel_pos_bias=with_bias, fuse_upsample='bilinear').eval()
    for name, value in theirs.state_dict().items():
        if value.dtype == torch.float32 and 'running' not in name:
            nn.init.normal_(value, mean=1.0 if value.dim() == 1 else 0.0, std=0.1)
    load_published(ours, OPENMMLAB, theirs.state_dict())
    image = torch.randn(2, 3, 160, 224)
    with torch.inference_mode():
        for a, b in zip(ours(image), theirs(image)):
            assert_level(a, b)


@pytest.mark.parametrize(
    'option, message',
    [
        (dict(window_size=0), 'window_size must be a positive int, got 0'),
        (dict(fuse_upsample='bicubic'), 'fuse_upsample must be one of'),
        (dict(arch='large'), "HRFormer has no arch 'large'; it has tiny, small, base"),
        (dict(arch=dict(width=15, heads=(2, 2, 4, 8))), 'heads must divide the width 15, got 2'),
    ],
)
def test_wrong_options(option, message):
    with pytest.raises(ValueError, match=message):
        HRFormer(**option)

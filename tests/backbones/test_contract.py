"""The contract, for every family."""

import pytest

from tests.contract import Contract


class TestTransXNet(Contract):
    family = 'TransXNet'
    options = dict(arch='t')


class TestUniFormer(Contract):
    family = 'UniFormer'
    options = dict(arch='small', stage3_attention='hybrid', window_size=5)


class TestUniFormerConvStem(Contract):
    family = 'UniFormer'
    options = dict(arch='small_plus', stage3_attention='window', window_size=5)


class TestConformer(Contract):
    family = 'Conformer'
    options = dict(arch='tiny_patch16')


class TestConformerPatch32(Contract):
    family = 'Conformer'
    options = dict(arch=dict(patch=32, channel_ratio=1, embed_dim=64))


class TestCvT(Contract):
    family = 'CvT'
    options = dict(arch='13')


class TestHRFormer(Contract):
    family = 'HRFormer'
    options = dict(arch='tiny')

    def first_blocks(self, backbone):
        first, *rest = backbone.stages
        return [first.blocks[:1], *([b[0] for b in s.blocks[0].branches] for s in rest)]


class TestUniFormerLight(Contract):
    family = 'UniFormer'
    options = dict(arch='xxs')


# The other archs; those that differ from one of these in head_dim alone are left out.
LARGER = {
    'Conformer': ('small_patch16', 'small_patch32', 'base_patch16'),
    'CvT': ('21', 'w24'),
    'HRFormer': ('small', 'base'),
    'TransXNet': ('s', 'b'),
    'UniFormer': ('small_tl', 'base', 'base_ls', 'large_ls_tl', 'xs'),
}
# What is of the code and the same for every width and depth; numbers are the goldens' to hold.
OF_THE_CODE = (
    'test_batch_invariance',
    'test_bfloat16_autocast',
    'test_channels_last_input',
    'test_checkpointing_recomputes',
    'test_copies',
    'test_drop_path_only_in_training',
    'test_float64',
    'test_frozen_stages',
    'test_norm_eval',
    'test_says_nothing',
    'test_wrong_input',
    'test_wrong_options',
)
for _family, _archs in LARGER.items():
    for _arch in _archs:
        _name = f'Test{_family}_{_arch}'
        _base = TestHRFormer if _family == 'HRFormer' else Contract
        assert all(hasattr(_base, test) for test in OF_THE_CODE)
        _members = dict(family=_family, options=dict(arch=_arch), **dict.fromkeys(OF_THE_CODE))
        globals()[_name] = pytest.mark.slow(type(_name, (_base,), _members))

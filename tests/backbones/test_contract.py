"""The contract, for every family."""

from ..contract import Contract


class TestUniFormer(Contract):
    family = 'UniFormer'
    options = dict(arch='small', stage3_attention='hybrid', window_size=5)


class TestUniFormerConvStem(Contract):
    family = 'UniFormer'
    options = dict(arch='small_plus', stage3_attention='window', window_size=5)

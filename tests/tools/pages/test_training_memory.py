"""The table of what fits on a GPU."""

import pytest

from hybrid_backbones.analysis.training_memory.estimate import GIB, TrainingMemory
from hybrid_backbones.zoo.configs import get_config, list_configs
from tools.pages import training_memory as page


def test_table(monkeypatch):
    pytest.importorskip('mmseg')
    name = 'semanticfpn_uniformer_xxs_80k_ade20k'
    cfg = get_config(name)

    def made_up(cfg, size, batch, precision, with_cp):
        each = GIB if precision == 'fp32' else GIB // 2
        return TrainingMemory(GIB, GIB, GIB, batch * each // (2 if with_cp else 1), 0)

    monkeypatch.setattr(page, 'training_memory', made_up)
    head, _, row = page.table([(name, cfg)]).splitlines()
    assert head == (
        '| config | pixels | fixed | fp32 | fp32, `with_cp` | bf16 | bf16, `with_cp` '
        '| images on 16 GiB | images on 24 GiB |'
    )
    cells = '| 512x512 | 3.00 | 1.00 | 0.50 | 0.50 | 0.25 | 9, 18, 18, 36 | 15, 30, 30, 60 |'
    assert row == f'| `{name}` {cells}'


def test_the_pages_configs_exist():
    names = page.listed()
    assert len(names) > 10
    assert set(names) <= set(list_configs())

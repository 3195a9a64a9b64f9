"""The text of the new config: short lines, and mmengine reads from it what was decided."""

import pytest
from mmengine.config import Config

from hybrid_backbones.dropin import find_variant, plan, read_source
from hybrid_backbones.dropin.render import MARK, config_text

pytest.importorskip('mmseg')

CONFIGS = {
    'mmseg::ocrnet/ocrnet_hr18_4xb2-40k_cityscapes-512x1024.py': 'hrformer_s',  # a list of heads
    'mmseg::sem_fpn/fpn_r50_4xb2-80k_cityscapes-512x1024.py': 'conformer_s',  # long addresses
}


@pytest.fixture(scope='module', params=CONFIGS)
def written(request, tmp_path_factory):
    source = read_source(request.param)
    drop = plan(source, find_variant(CONFIGS[request.param], source.scope))
    folder = tmp_path_factory.mktemp('written')
    text = config_text(drop, folder)
    (folder / 'new.py').write_text(text)
    return drop, text, Config.fromfile(str(folder / 'new.py'))


def test_text(written):
    drop, text, _ = written
    assert text.startswith(f'# {MARK}: ')
    assert f"_base_ = ['{drop.source.library_name}']" in text
    assert max(map(len, text.splitlines())) <= 100
    assert len(text.splitlines()) < 40


def test_values(written):
    drop, _, new = written
    for path, value in drop.edits.items():
        node = new
        for key in path:
            node = node[key]
        if isinstance(value, dict):
            value = {key: child for key, child in value.items() if key != '_delete_'}
        assert node == value, path


def unscoped(node):
    """Without the name of the library, which mmengine writes into what comes from another one."""
    if isinstance(node, dict):
        return {key: unscoped(child) for key, child in node.items() if key != '_scope_'}
    return [unscoped(child) for child in node] if isinstance(node, (list, tuple)) else node


def test_everything_else_is_inherited(written):
    drop, _, new = written
    old = drop.source.cfg
    assert set(new) - set(old) <= {'sync_bn'}
    for key in set(old) - {'model', 'sync_bn'}:
        assert unscoped(new[key]) == unscoped(old[key]), key
    for key in set(old.model) - {path[1] for path in drop.edits if path[0] == 'model'}:
        assert unscoped(new.model[key]) == unscoped(old.model[key]), key

"""Files in every key mapping to ours and back to the authors' names."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hybrid_backbones import Conformer, CvT, HRFormer, TransXNet, UniFormer
from hybrid_backbones.errors import CheckpointError
from hybrid_backbones.weights import KEY_MAPPINGS, convert, read_checkpoint
from tests.golden import manifest, published_state

SMALLEST = {
    'conformer_tiny_patch16': (Conformer, {}),
    'cvt_13': (CvT, dict(out_indices=(0, 1, 2))),
    'hrformer_tiny': (HRFormer, {}),
    'transxnet_t': (TransXNet, {}),
    'uniformer_small': (UniFormer, {}),
    'uniformer_xxs': (UniFormer, {}),
}


def load(path, variant):
    cls, options = SMALLEST[variant]
    cfg = dict(type='Pretrained', checkpoint=str(path))
    backbone = cls(variant.split('_', 1)[1], init_cfg=cfg, **options)
    backbone.init_weights()
    return backbone


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
@pytest.mark.parametrize('variant', SMALLEST)
def test_there_and_back(tmp_path, variant, suffix):
    """Published file to ours to the authors' names: not a bit differs, both load alike."""
    state = published_state(variant)
    torch.save({'model': state}, tmp_path / 'published.pth')
    ours = convert(tmp_path / 'published.pth', tmp_path / f'ours{suffix}')
    back = convert(ours, tmp_path / f'back{suffix}', official=True)
    restored = read_checkpoint(back).state
    constants = {key for key in state if key.endswith('relative_position_index')}
    assert restored.keys() - constants == state.keys() - constants
    assert all(torch.equal(restored[key], state[key]) for key in restored)
    first, second = (
        load(path, variant).state_dict() for path in (tmp_path / 'published.pth', ours)
    )
    published = [k for k in first if not k.startswith('out_norms.')]
    assert all(torch.equal(first[key], second[key]) for key in published)


def test_name_has_the_hash(tmp_path):
    torch.save(published_state('cvt_13'), tmp_path / 'in.pth')
    path = convert(tmp_path / 'in.pth', tmp_path / 'cvt_13.pth')
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f'cvt_13-{digest[:8]}.pth'
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name, 'in.pth']


def test_parts_of_a_detector(tmp_path):
    """The backbone is renamed, the head stays; or the backbone alone, without its prefix."""
    state = {f'backbone.{k}': v for k, v in published_state('cvt_13').items() if 'head' not in k}
    state['roi_head.weight'] = torch.ones(3)
    torch.save({'state_dict': state}, tmp_path / 'detector.pth')
    whole = read_checkpoint(convert(tmp_path / 'detector.pth', tmp_path / 'whole.pth')).state
    assert torch.equal(whole['roi_head.weight'], torch.ones(3))
    assert 'backbone.stages.2.cls_token' in whole
    alone = convert(tmp_path / 'detector.pth', tmp_path / 'alone.pth', backbone_only=True)
    alone = read_checkpoint(alone).state
    with torch.device('meta'):
        assert alone.keys() == CvT('13', out_indices=(0, 1, 2)).state_dict().keys()


@pytest.mark.parametrize('source', [d.source for d in KEY_MAPPINGS if d.family == 'HRFormer'])
def test_between_key_mappings(tmp_path, source):
    """Separate and fused queries, keys and values."""
    key_mapping = next(d for d in KEY_MAPPINGS if (d.family, d.source) == ('HRFormer', source))
    reference = HRFormer('tiny').state_dict()
    torch.save(key_mapping.publish(reference), tmp_path / 'in.pth')
    ours = read_checkpoint(convert(tmp_path / 'in.pth', tmp_path / 'out.pth')).state
    assert ours.keys() == reference.keys()
    assert all(torch.equal(ours[key], reference[key]) for key in ours)


def test_refusals(tmp_path):
    torch.save({'layer1.0.conv1.weight': torch.ones(1)}, tmp_path / 'resnet.pth')
    with pytest.raises(CheckpointError, match=r'resnet\.pth holds ResNet of no family known here'):
        convert(tmp_path / 'resnet.pth', tmp_path / 'out.pth')
    with pytest.raises(CheckpointError, match=r'write a \.pth or a \.safetensors file'):
        convert(tmp_path / 'resnet.pth', tmp_path / 'out.onnx')
    with pytest.raises(CheckpointError, match='no folder'):
        convert(tmp_path / 'resnet.pth', tmp_path / 'none' / 'out.pth')


def test_tool(tmp_path):
    state = {k: torch.zeros(s) for k, s, *_ in manifest('cvt_13')['cls_state']}
    torch.save(state, tmp_path / 'in.pth')
    tool = Path(__file__).parents[2] / 'tools' / 'convert_weights.py'

    def run(*arguments):
        command = [sys.executable, str(tool), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    result = run('in.pth', 'out.safetensors', '--backbone-only')
    assert result.returncode == 0, result.stderr
    assert (tmp_path / result.stdout.strip()).is_file()
    result = run('none.pth', 'out.pth')
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1

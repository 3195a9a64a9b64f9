"""``hybrid-backbones export``."""

import pytest
import torch

from hybrid_backbones import CvT
from hybrid_backbones.deploy.exporting.verify import TOLERANCE

for package in ('onnx', 'onnxscript', 'onnxruntime'):
    pytest.importorskip(package)

LITTLE = ('cvt_13', '--options', 'out_indices=(0,)')


def test_export(command, tmp_path):
    """With weights of a file: what onnxruntime makes of it is what the backbone says."""
    from hybrid_backbones.deploy.exporting.formats import run_onnx

    backbone = CvT('13', out_indices=(0,)).eval()
    torch.save(backbone.state_dict(), tmp_path / 'some.pth')
    result = command('export', *LITTLE, '--weights', 'some.pth', '--fold')
    assert result.status == 0, result.err
    first, second, *rows = result.out.splitlines()[-5:]  # a report on the weights before
    assert first.startswith('cvt_13.onnx: ONNX, opset 20, folded, ')
    assert first.endswith('some.pth; any batch, any height and width from 33 to 8192 pixels')
    assert f'{TOLERANCE:.0e}' in second
    assert [row.split(':')[0].strip() for row in rows] == [
        *('1x3x256x320', '2x3x97x130', '1x3x161x75')
    ]
    image = torch.randn(1, 3, 70, 90)
    with torch.no_grad():
        (expected,) = backbone(image)
    (level,) = run_onnx(tmp_path / 'cvt_13.onnx')(image)
    torch.testing.assert_close(level, expected, rtol=1e-4, atol=1e-4)
    assert {p.name for p in tmp_path.iterdir()} == {'some.pth', 'cvt_13.onnx'}


@pytest.mark.parametrize(
    'given, parts',
    [
        (['uniformer_tiny'], ["no backbone 'uniformer_tiny'", 'uniformer_small']),
        ([*LITTLE, '--weights', 'gone.pth'], ['no checkpoint file gone.pth']),
        ([*LITTLE, '--weights', 'corrupt.pth'], ['corrupt.pth is no checkpoint, or damaged']),
        ([*LITTLE, '--size', '31x64'], ['--size must be 32 to 8192 pixels', '31x64']),
        ([*LITTLE, '--out', 'a.pt2'], ['--format onnx', '*.onnx', "'a.pt2'"]),
        (['cvt_13', '--options', 'no_such=1'], ['no_such']),
    ],
)
def test_refusals(command, tmp_path, given, parts):
    (tmp_path / 'corrupt.pth').write_bytes(b'no weights')
    line = command('export', *given).refusal
    for part in parts:
        assert part in line
    assert [p.name for p in tmp_path.iterdir()] == ['corrupt.pth']

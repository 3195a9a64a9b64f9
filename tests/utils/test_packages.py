"""What to install, from what imports say that failed."""

from importlib.metadata import PackageNotFoundError

import pytest

from hybrid_backbones.utils import packages
from hybrid_backbones.utils.packages import how_to_install


@pytest.mark.parametrize(
    'error, expected',
    [
        (ModuleNotFoundError('No module named mmdet.apis', name='mmdet.apis'), 'MMDetection'),
        (PackageNotFoundError('Cannot determine installed path for mmdet.'), 'MMDetection'),
        (PackageNotFoundError('Cannot determine installed path for mmsegmentation.'), 'MMSegm'),
        (
            PackageNotFoundError('Cannot determine installed path for onedl-mmsegmentation'),
            'MMSegm',
        ),
        (ImportError('mmsegmentation is not installed'), 'MMSegm'),
        (ModuleNotFoundError('no', name='shtab'), 'shtab: pip install shtab'),
    ],
)
def test_hint(monkeypatch, error, expected):
    monkeypatch.setattr(packages, 'is_missing', lambda package: True)
    assert how_to_install(error).startswith(expected)


@pytest.mark.parametrize('error', [ImportError('broken'), ImportError('broken', name='torch.x')])
def test_nothing_to_install(error):
    assert how_to_install(error) is None

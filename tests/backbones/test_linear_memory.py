"""Memory of global attention grows as the number of tokens does, not as its square."""

import pytest

from hybrid_backbones.analysis.benchmark.peak_memory import peak_memory
from hybrid_backbones.analysis.benchmark.settings import Settings

# one or a few blocks that see the whole map; side of the smaller image, in pixels. At the larger
# one a matrix of scores would take: 1.7 GB of five heads, 2 GB of six, 4.3 GB of one
CASES = {
    'uniformer_small': (
        dict(arch=dict(depths=(1, 1, 1, 1)), out_indices=(2,), stage3_attention='global'),
        768,
    ),
    'conformer_tiny_patch16': (dict(out_indices=(0,)), 768),
    'cvt_13': (dict(out_indices=(0,)), 512),
}


@pytest.mark.slow
@pytest.mark.parametrize('network', CASES)
def test_four_times_the_tokens(network):
    options, side = CASES[network]
    small, large = (
        peak_memory(Settings(network, options, size=(factor * side, factor * side), threads=1))[
            'growth'
        ]
        for factor in (1, 2)
    )
    assert small > 0.01, 'GiB; less would be lost in what a process takes anyway'
    assert large < 5 * small, f'{small:.2f} and {large:.2f} GiB'

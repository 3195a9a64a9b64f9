"""Networks of few blocks, compiled and not: all 27 would take an hour, and have the same blocks."""

from functools import partial
from typing import Tuple

import torch

from hybrid_backbones import backbones
from tests.analysis.small import SMALL
from tests.backbones.test_inductor import FEW_BLOCKS
from tests.gpu.compare import Case, Distance, Result, limit_of

NETWORKS = {
    **{name: partial(getattr(backbones, name), arch) for name, arch in FEW_BLOCKS.items()},
    'UniFormer with windows': SMALL['uniformer_hybrid'],
    'UniFormer with pruned tokens': SMALL['uniformer_light'],
}
# Levels differ by roundings. So many ReLUs' inputs, in parts of all, come to lie on the other side
# of zero: 1e-6 or so, and what they pass on is wrong by all of itself: the square root of that.
KINKS = 1e-3
AS_EAGER = Distance(limit_of('fp32').levels, gradients=4 * KINKS, parameter=8 * KINKS)


def both_ways(case: Case, device: str, **options: object) -> Tuple[Result, Result]:
    """What is compiled, as one graph, and what is not.

    Args:
        case: The network.
        device: Where.
        options: Of ``torch.compile``.
    """
    compiled = case.run(
        device, wrap=lambda module: torch.compile(module, fullgraph=True, **options)
    )
    return compiled, case.run(device, wrap=lambda module: module)

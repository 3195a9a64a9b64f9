"""How the recorded runs of each family's published code are repeated with our backbones."""

from dataclasses import dataclass, field
from typing import Dict, Tuple

from hybrid_backbones import Conformer, CvT, HRFormer, TransXNet, UniFormer
from hybrid_backbones.backbones.base import HybridBackbone
from hybrid_backbones.weights import KeyMapping
from hybrid_backbones.weights.families import conformer, cvt, hrformer, transxnet, uniformer
from tests.golden import Golden, published_state
from tests.parity import load_published

LEVELS = ('c2', 'c3', 'c4', 'c5')
POSE = dict(with_rel_pos_bias=False, fuse_upsample='bilinear')


@dataclass(frozen=True)
class Family:
    """How a family's goldens are run.

    Args:
        build: The class.
        key_mapping: The authors' names.
        tolerance: As in the family's own tests.
        levels: The recorded names.
        modes: Options of each recorded mode; a mode that is not here is no run of all levels.
        dense: Whether the authors' dense code has weights of its own.
    """

    build: type
    key_mapping: KeyMapping
    tolerance: float
    levels: Tuple[str, ...] = LEVELS
    modes: Dict[str, dict] = field(default_factory=lambda: {'': {}})
    dense: bool = False


# one small variant of each family, in each way that changes what is computed
QUICK = (
    'conformer_tiny_patch16@192x256',
    'cvt_13@192x256',
    'hrformer_tiny@pose-192x256',
    'hrformer_tiny@seg-192x256',
    'transxnet_t@192x256',
    'uniformer_small@hybrid-192x256',
    'uniformer_xxs@192x256',
)
FAMILIES = {
    'conformer': Family(Conformer, conformer.AUTHORS, 3e-5),
    'cvt': Family(
        CvT, cvt.AUTHORS, 3e-5, ('out0', 'out1', 'out2'), {'': dict(out_indices=(0, 1, 2))}
    ),
    'hrformer': Family(
        HRFormer,
        hrformer.AUTHORS,
        3e-5,
        ('stream0', 'stream1', 'stream2', 'stream3'),
        {'seg': {}, 'pose': POSE, 'posehead': dict(out_indices=(0,), **POSE)},
    ),
    'transxnet': Family(TransXNet, transxnet.AUTHORS, 1e-4, dense=True),
    'uniformer': Family(
        UniFormer,
        uniformer.AUTHORS,
        1e-4,
        modes={
            '': {},
            'global': {},
            'windows': dict(stage3_attention='window'),
            'hybrid': dict(stage3_attention='hybrid'),
        },
        dense=True,
    ),
}


def arch_of(golden: Golden) -> str:
    return golden.variant.partition('_')[2]


def published(family: Family, golden: Golden, **options) -> HybridBackbone:
    """The backbone of a recorded run with the authors' weights, in eval mode."""
    backbone = family.build(arch_of(golden), **family.modes[golden.mode], **options).eval()
    mode = (golden.mode or 'default') if family.dense else None
    load_published(backbone, family.key_mapping, published_state(golden.variant, mode))
    return backbone

"""Backbones of all families that are small enough to be run many times."""

from hybrid_backbones import Conformer, CvT, HRFormer, TransXNet, UniFormer

_UNIFORMER = dict(depths=(1, 1, 4, 1), dims=(16, 32, 64, 64), head_dim=32, mlp_ratio=2.0)

SMALL = {
    'conformer': lambda: Conformer(dict(patch=16, channel_ratio=1, embed_dim=128, mlp_ratio=1.0)),
    'cvt': lambda: CvT(dict(depths=(1, 1, 2), dims=(16, 32, 64), heads=(1, 2, 4))),
    'hrformer': lambda: HRFormer(
        dict(width=8, modules=(1, 1, 1), heads=(1, 2, 2, 4), depth=2, mlp_ratio=1.0)
    ),
    'transxnet': lambda: TransXNet(
        dict(
            depths=(1, 1, 1, 1),
            dims=(16, 32, 32, 64),
            heads=(1, 2, 2, 4),
            groups=(2, 2, 2, 2),
            mlp_ratios=(1, 1, 1, 1),
        )
    ),
    'uniformer': lambda: UniFormer(_UNIFORMER),
    'uniformer_hybrid': lambda: UniFormer(_UNIFORMER, stage3_attention='hybrid', window_size=3),
    'uniformer_light': lambda: UniFormer(dict(_UNIFORMER, conv_stem=True, token_pruning=True)),
}

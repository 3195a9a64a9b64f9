"""Classifiers that are small enough to be trained for a step and saved many times."""

from hybrid_backbones import create_classifier

_UNIFORMER = dict(depths=(1, 1, 4, 1), dims=(16, 32, 64, 64), head_dim=32, mlp_ratio=2.0)

ARCHS = {
    'conformer_tiny_patch16': dict(patch=16, channel_ratio=1, embed_dim=128, mlp_ratio=1.0),
    'cvt_13': dict(depths=(1, 1, 2), dims=(16, 32, 64), heads=(1, 2, 4)),
    'hrformer_tiny': dict(width=8, modules=(1, 1, 1), heads=(1, 2, 2, 4), depth=2, mlp_ratio=1.0),
    'transxnet_t': dict(
        depths=(1, 1, 1, 1),
        dims=(16, 32, 32, 64),
        heads=(1, 2, 2, 4),
        groups=(2, 2, 2, 2),
        mlp_ratios=(1, 1, 1, 1),
    ),
    'uniformer_small': _UNIFORMER,
    'uniformer_xxs': dict(_UNIFORMER, conv_stem=True, token_pruning=True),
}


def small(name, pretrained=False, num_classes=5, **options):
    return create_classifier(name, pretrained, num_classes, arch=ARCHS[name], **options)

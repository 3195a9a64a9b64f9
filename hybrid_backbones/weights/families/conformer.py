"""Conformer's published weights: their names, and where the files are."""

from typing import List, Optional, Tuple

from ..key_mapping import KeyMapping, Rule, ours, unchanged
from ..pretrained import PretrainedFile

# (number of the coupling block in the published names, our stage, our block)
_PLACES = [
    (n, s, n - first)
    for s, first, end in ((0, 2, 5), (1, 5, 9), (2, 9, 12), (3, 12, 13))
    for n in range(first, end)
]
CLASSIFIER = unchanged('trans_norm.{leaf}', 'trans_cls_head.{leaf}', 'conv_cls_head.{leaf}')


def _conv_block(theirs: str, here: str) -> List[Rule]:
    return [
        (f'{theirs}.conv{{n}}.weight', f'{here}.conv{{n}}.conv.weight'),
        (f'{theirs}.bn{{n}}.{{leaf}}', f'{here}.conv{{n}}.bn.{{leaf}}'),
        (f'{theirs}.residual_conv.weight', f'{here}.shortcut.conv.weight'),
        (f'{theirs}.residual_bn.{{leaf}}', f'{here}.shortcut.bn.{{leaf}}'),
    ]


def _rules(transformer: Tuple[Rule, ...]) -> Tuple[Rule, ...]:
    """All names but those inside a transformer block are alike in both kinds of files."""
    rules = [
        ('conv1.weight', 'stem.conv.weight'),
        ('bn1.{leaf}', 'stem.bn.{leaf}'),
        ('cls_token', 'stages.0.cls_token'),
        ('trans_patch_conv.{leaf}', 'stages.0.patch_embed.{leaf}'),
        *((f'trans_1.{a}', f'stages.0.trans.{b}') for a, b in transformer),
        *_conv_block('conv_1', 'stages.0.cnn'),
    ]
    for number, stage, block in _PLACES:
        theirs, here = f'conv_trans_{number}', f'stages.{stage}.blocks.{block}'
        rules += [
            *_conv_block(f'{theirs}.cnn_block', f'{here}.cnn'),
            *_conv_block(f'{theirs}.fusion_block', f'{here}.fusion'),
            (f'{theirs}.squeeze_block.conv_project.{{leaf}}', f'{here}.down.proj.{{leaf}}'),
            (f'{theirs}.squeeze_block.ln.{{leaf}}', f'{here}.down.norm.{{leaf}}'),
            (f'{theirs}.expand_block.conv_project.{{leaf}}', f'{here}.up.proj.{{leaf}}'),
            (f'{theirs}.expand_block.bn.{{leaf}}', f'{here}.up.bn.{{leaf}}'),
            *((f'{theirs}.trans_block.{a}', f'{here}.trans.{b}') for a, b in transformer),
        ]
    return tuple(rules)


AUTHORS = KeyMapping(
    family='Conformer',
    source='authors',
    signature='trans_1.mlp.fc1.weight',
    rules=_rules((('{*rest}', '{*rest}'),)),
    classifier=CLASSIFIER,
)
OPENMMLAB = KeyMapping(
    family='Conformer',
    source='OpenMMLab',
    signature='trans_1.ffn.layers.0.0.weight',
    rules=_rules(
        (
            ('ln{n}.{leaf}', 'norm{n}.{leaf}'),
            ('norm{n}.{leaf}', 'norm{n}.{leaf}'),  # of files older than MMPretrain
            ('ffn.layers.0.0.{leaf}', 'mlp.fc1.{leaf}'),
            ('ffn.layers.1.{leaf}', 'mlp.fc2.{leaf}'),
            ('attn.{*rest}', 'attn.{*rest}'),
        )
    ),
    classifier=CLASSIFIER,
)
KEY_MAPPINGS = (AUTHORS, OPENMMLAB, ours(AUTHORS, 'stages.0.trans.mlp.fc1.weight'))


def _published(
    file: str, arch: str, top1: Optional[float], params: float, url: str
) -> PretrainedFile:
    direct = url.endswith(file)
    return PretrainedFile(
        file=file,
        family='Conformer',
        arch=arch,
        top1=top1,
        params=params,
        url=url if direct else f'https://drive.google.com/file/d/{url}',
        direct=direct,
        licence='Apache-2.0',
        source='https://github.com/open-mmlab/mmpretrain'
        if direct
        else 'https://github.com/pengzhiliang/Conformer',
    )


_ZOO = 'https://download.openmmlab.com/mmclassification/v0/conformer/'
_FROM_ZOO = (
    ('conformer-tiny-p16_3rdparty_8xb128_in1k_20211206-f6860372.pth', 'tiny_patch16', 81.31, 23.52),
    (
        'conformer-small-p16_3rdparty_8xb128_in1k_20211206-3065dcf5.pth',
        'small_patch16',
        83.32,
        37.67,
    ),
    ('conformer-small-p32_8xb128_in1k_20211206-947a0816.pth', 'small_patch32', 81.96, 38.85),
    ('conformer-base-p16_3rdparty_8xb128_in1k_20211206-bfdf8637.pth', 'base_patch16', 83.82, 83.29),
)

# The authors give no accuracy for small_patch32, which they publish for detection; OpenMMLab's own
# training reached 81.96.
PRETRAINED: Tuple[PretrainedFile, ...] = (
    _published(
        'Conformer_tiny_patch16.pth',
        'tiny_patch16',
        81.3,
        23.5,
        '19SxGhKcWOR5oQSxNUWUM2MGYiaWMrF1z',
    ),
    _published(
        'Conformer_small_patch16.pth',
        'small_patch16',
        83.4,
        37.7,
        '1mpOlbLaVxOfEwV4-ha78j_1Ebqzj2B83',
    ),
    _published(
        'Conformer_base_patch16.pth',
        'base_patch16',
        84.1,
        83.3,
        '1oeQ9LSOGKEUaYGu7WTlUGl3KDsQIi0MA',
    ),
    _published(
        'Conformer_small_patch32.pth',
        'small_patch32',
        None,
        38.9,
        '1UrvRg2hnXsie_z_y39Xavdts4qfrwZ1E',
    ),
    *(_published(*entry, _ZOO + entry[0]) for entry in _FROM_ZOO),
)

"""TinyHybrid's published weights: their names, and where the files are.

Nobody published any; the names differ from ours as those of real files do.
"""

from typing import Tuple

from hybrid_backbones.weights.key_mapping import KeyMapping, Rule, ours
from hybrid_backbones.weights.pretrained import PretrainedFile


def _rules() -> Tuple[Rule, ...]:
    theirs, here = 'layers.{i}.units.{j}', 'stages.{i}.blocks.{j}'
    inside = [
        ('depthwise.{leaf}', 'dwconv.{leaf}'),
        ('bn.{leaf}', 'norm.{leaf}'),
        ('gamma', 'scale.gamma'),
        ('peg.{leaf}', 'position.{leaf}'),
        ('ln{n}.{leaf}', 'norm{n}.{leaf}'),
        ('query.{leaf}', 'attn.qkv.{leaf}[0/3]'),
        ('key.{leaf}', 'attn.qkv.{leaf}[1/3]'),
        ('value.{leaf}', 'attn.qkv.{leaf}[2/3]'),
        ('out.{leaf}', 'attn.proj.{leaf}'),
        ('ffn.{n}.{leaf}', 'mlp.fc{n}.{leaf}'),
    ]
    return (
        ('patchify.{n}.kernel', 'stem.{n}.conv.weight'),
        ('patchify.{n}.bn.{leaf}', 'stem.{n}.bn.{leaf}'),
        ('layers.{i}.reduce.kernel', 'stages.{i}.downsample.conv.weight'),
        ('layers.{i}.reduce.bn.{leaf}', 'stages.{i}.downsample.bn.{leaf}'),
        *((f'{theirs}.{a}', f'{here}.{b}') for a, b in inside),
    )


AUTHORS = KeyMapping(
    family='TinyHybrid',
    source='authors',
    signature='layers.0.units.0.depthwise.weight',
    rules=_rules(),
    unused=('classifier.{leaf}',),
)
KEY_MAPPINGS = (AUTHORS, ours(AUTHORS, 'stages.0.blocks.0.dwconv.weight'))

PRETRAINED: Tuple[PretrainedFile, ...] = (
    PretrainedFile(
        file='tiny_hybrid_nano.pth',
        family='TinyHybrid',
        arch='nano',
        top1=None,
        params=0.1,
        url='https://example.org/tiny_hybrid_nano.pth',
        direct=True,
        licence='Apache-2.0',
        source='https://example.org',
    ),
)

"""Names of the same weights in the files that are in the wild, and their translation to ours.

A rule pairs a published name with ours. ``{x}`` stands for one dotted component and ``{*x}`` for
the rest of the name; the first rule that fits is applied. Rules read in both directions.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Iterable, Optional, Tuple

Rule = Tuple[str, str]  # (published, ours)


@dataclass(frozen=True)
class Dialect:
    """One way of naming a family's weights.

    Args:
        family: Class name of the backbone.
        source: Whose names these are.
        signature: A key that every file in this dialect has, and no other file.
        rules: Published name and ours.
        classifier: Published names that a dense backbone has no use for.
    """

    family: str
    source: str
    signature: str
    rules: Tuple[Rule, ...]
    classifier: Tuple[str, ...] = ()

    def to_ours(self, key: str) -> Optional[str]:
        """Our name for a published one, None if no rule fits."""
        return _apply(self.rules, key)

    def to_published(self, key: str) -> Optional[str]:
        """The published name for one of ours, None if no rule fits."""
        return _apply(_reversed(self.rules), key)

    def is_classifier(self, key: str) -> bool:
        """Whether a published name belongs to the classifier."""
        return any(_pattern(template).fullmatch(key) for template in self.classifier)


def recognise(keys: Iterable[str]) -> Tuple[Optional[Dialect], str]:
    """The dialect of a state dict, and the prefix before its names (``'backbone.'``, say).

    Returns:
        ``(None, '')`` if no dialect fits.
    """
    keys = list(keys)
    for dialect in DIALECTS:
        ends = [key for key in keys if ('.' + key).endswith('.' + dialect.signature)]
        if ends:
            shortest = min(ends, key=len)
            return dialect, shortest[: len(shortest) - len(dialect.signature)]
    return None, ''


def name_stranger(keys: Iterable[str]) -> Optional[str]:
    """Name of a network that no dialect here covers, if its keys are known."""
    keys = list(keys)
    for name, signature in STRANGERS:
        if any(('.' + key).endswith('.' + signature) for key in keys):
            return name
    return None


@cache
def _pattern(template: str) -> 're.Pattern[str]':
    pattern = re.escape(template)
    pattern = re.sub(r'\\\{\\\*(\w+)\\\}', r'(?P<\1>.+)', pattern)
    pattern = re.sub(r'\\\{(\w+)\\\}', r'(?P<\1>[^.]+)', pattern)
    return re.compile(pattern)


def _apply(rules: Tuple[Rule, ...], key: str) -> Optional[str]:
    for template, replacement in rules:
        match = _pattern(template).fullmatch(key)
        if match:
            return replacement.replace('{*', '{').format(**match.groupdict())
    return None


@cache
def _reversed(rules: Tuple[Rule, ...]) -> Tuple[Rule, ...]:
    return tuple((ours, published) for published, ours in rules)


def _uniformer_rules() -> Tuple[Rule, ...]:
    rules = [('patch_embed1.{*rest}', 'stem.{*rest}')]
    for stage in range(4):
        theirs, ours = f'blocks{stage + 1}.{{block}}', f'stages.{stage}.blocks.{{block}}'
        if stage > 0:
            rules.append(
                (f'patch_embed{stage + 1}.{{*rest}}', f'stages.{stage}.downsample.{{*rest}}')
            )
        if stage < 2:
            rules += [
                (f'{theirs}.conv1.{{leaf}}', f'{ours}.attn.value.{{leaf}}'),
                (f'{theirs}.attn.{{leaf}}', f'{ours}.attn.affinity.{{leaf}}'),
                (f'{theirs}.conv2.{{leaf}}', f'{ours}.attn.proj.{{leaf}}'),
            ]
        rules += [
            (f'{theirs}.gamma_{{n}}', f'{ours}.scale{{n}}.gamma'),
            (f'{theirs}.{{*rest}}', f'{ours}.{{*rest}}'),
            (f'norm{stage + 1}.{{leaf}}', f'out_norms.{stage}.{{leaf}}'),
        ]
    return tuple(rules)


UNIFORMER = Dialect(
    family='UniFormer',
    source='authors',
    signature='blocks1.0.pos_embed.weight',
    rules=_uniformer_rules(),
    # 'norm' is a BatchNorm before the classifier; the dense code's norm1..norm4 are others
    classifier=('norm.{leaf}', 'head.{leaf}', 'aux_head.{leaf}'),
)
UNIFORMER_OURS = Dialect(
    family='UniFormer',
    source='hybrid_backbones',
    signature='stages.0.blocks.0.attn.affinity.weight',
    rules=(('{*rest}', '{*rest}'),),
)

DIALECTS = (UNIFORMER, UNIFORMER_OURS)

# Keys that tell other networks apart, so that a wrong file can be named. Order matters: HRFormer
# also has ResNet's layer1.
STRANGERS = (
    ('Conformer', 'conv_trans_2.cnn_block.conv1.weight'),
    ('TransXNet', 'relative_pos_enc.0'),
    ('CvT', 'stage0.patch_embed.proj.weight'),
    ('HRFormer', 'transition1.0.0.weight'),
    ('Swin Transformer', 'layers.0.blocks.0.attn.relative_position_bias_table'),
    ('ResNet', 'layer1.0.conv1.weight'),
    ('a plain vision transformer', 'blocks.0.attn.qkv.weight'),
)

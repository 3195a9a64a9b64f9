"""Names of the same weights in the files that are in the wild, and their translation to ours.

A rule pairs a published name with ours. ``{x}`` stands for one dotted component (or a part of one)
and ``{*x}`` for the rest of the name; the first rule that fits is applied. Rules read in both
directions. ``qkv.{leaf}[0/3]`` is the first of three equal parts of our tensor, along dimension 0.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Dict, Mapping, Optional, Tuple

import torch
from torch import Tensor

Rule = Tuple[str, str]  # (published, ours)
PARTS = (3, 2)  # into how many parts a tensor may be split: q, k, v; k, v


def part_of(name: str, index: int, count: int) -> str:
    """How a rule writes part ``index`` of the tensor ``name``."""
    return f'{name}[{index}/{count}]'


def whole_of(name: str) -> str:
    """The tensor's name, if ``name`` is one of its parts."""
    return name.partition('[')[0]


def join_parts(named: Mapping[str, Tensor]) -> Dict[str, Tensor]:
    """Put parts together, along dimension 0; a tensor that lacks a part is left out."""
    joined = {}
    for name, value in named.items():
        whole, _, part = name.partition('[')
        if not part:
            joined[name] = value
        elif part.startswith('0/'):
            count = int(part[2:-1])
            names = [part_of(whole, i, count) for i in range(count)]
            if all(each in named for each in names):
                joined[whole] = torch.cat([named[each] for each in names])
    return joined


@dataclass(frozen=True)
class KeyMapping:
    """One way of naming a family's weights.

    Args:
        family: Class name of the backbone.
        source: Whose names these are.
        signature: A key that every file in this key mapping has, and no other file.
        rules: Published name and ours.
        classifier: Published names of the ImageNet classifier, of which a backbone alone has no
            use, and those in :mod:`hybrid_backbones.classifiers`, which are the authors'.
        unused: Published names that nothing here has a use for: constants.
        pose_settings: What a config has to say to run pose estimators published under these names:
            dotted key, value, and why.
    """

    family: str
    source: str
    signature: str
    rules: Tuple[Rule, ...]
    classifier: Tuple[Rule, ...] = ()
    unused: Tuple[str, ...] = ()
    pose_settings: Tuple[Tuple[str, bool, str], ...] = ()

    def to_ours(self, key: str) -> Optional[str]:
        """Our name for a published one, None if no rule fits."""
        return _apply(self.rules, key)

    def to_published(self, key: str) -> Optional[str]:
        """The published name for one of ours, None if no rule fits."""
        return _apply(_reversed(self.rules), key)

    def is_unused(self, key: str) -> bool:
        """Whether a dense backbone has no use for a published name."""
        templates = (*self.unused, *(published for published, _ in self.classifier))
        return any(_pattern(template).fullmatch(key) for template in templates)

    def to_classifier(self, key: str) -> Optional[str]:
        """The classifier's name for a published one, None if it is not the classifier's."""
        return _apply(self.classifier, key)

    def publish(self, state: Mapping[str, Tensor]) -> Dict[str, Tensor]:
        """Weights of ours under the published names, without those that have none there."""
        published: Dict[str, Tensor] = {}
        splitting = tuple(rule for rule in _reversed(self.rules) if '[' in rule[0])
        for name, value in state.items():
            count = next((n for n in PARTS if _apply(splitting, part_of(name, 0, n))), 0)
            if count:
                for i, part in enumerate(value.chunk(count)):
                    key = self.to_published(part_of(name, i, count))
                    assert key is not None  # a rule that splits a tensor names every part
                    published[key] = part.clone()
            elif (theirs := self.to_published(name)) is not None:
                published[theirs] = value
        return published


def ours(authors: KeyMapping, signature: str) -> KeyMapping:
    """The key mapping of a checkpoint that was trained or converted here."""
    rules = (('{*rest}', '{*rest}'),)
    return KeyMapping(
        authors.family, 'hybrid_backbones', signature, rules, authors.classifier, authors.unused
    )


def unchanged(*templates: str) -> Tuple[Rule, ...]:
    """Rules for names that are ours as they are."""
    return tuple((template, template) for template in templates)


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

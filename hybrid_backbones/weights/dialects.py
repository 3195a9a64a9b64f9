"""Names of the same weights in the files that are in the wild, and their translation to ours.

A rule pairs a published name with ours. ``{x}`` stands for one dotted component and ``{*x}`` for
the rest of the name; the first rule that fits is applied. Rules read in both directions.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Optional, Tuple

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

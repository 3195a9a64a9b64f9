"""Which runs must not be compared: tested on other data, otherwise, or by other versions.

What most runs have in common is the measure; a run that differs from it is marked with a reason.
"""

from collections import Counter
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from .record import Record

HALVED = 'half the batch and learning rate, since the whole batch did not fit'
# versions on which accuracies do not depend
UNRELATED = ('Python',)


def mark(records: Sequence[Record]) -> None:
    """Fill in the marks of each run that was tested or trained."""
    seen = [each for each in records if each.last or each.config_sha256]
    for each in seen:
        each.marks = []
    _mark_others(seen, lambda each: each.data, lambda own, usual: f'other data: {own}, not {usual}')
    same_data = _groups(seen, lambda each: each.data)
    for group in same_data.values():
        _mark_others(group, lambda each: each.test_sha256, lambda own, usual: 'other test settings')
    _mark_versions(seen)
    for group in _groups(seen, lambda each: each.name).values():
        whole = [each for each in group if not each.halved]
        _mark_others(
            whole, lambda each: each.config_sha256, lambda own, usual: 'another config than its row'
        )
        _mark_others(group, _initial, lambda own, usual: 'other initial weights than its row')
    for each in seen:
        each.marks += [HALVED] if each.halved else []


def _mark_others(
    records: Sequence[Record], key: Callable[[Record], str], say: Callable[[str, str], str]
) -> None:
    usual = _most_common(key(each) for each in records)
    for each in records:
        own = key(each)
        if own and own != usual:
            each.marks.append(say(own, usual or ''))


def _mark_versions(records: Sequence[Record]) -> None:
    """By each package that a run knows the version of."""
    packages = sorted({name for each in records for name in each.versions} - set(UNRELATED))
    usual = {
        name: _most_common(each.versions.get(name, '') for each in records) for name in packages
    }
    for each in records:
        others = [
            f'{name} {each.versions[name]}, not {usual[name]}'
            for name in packages
            if each.versions.get(name) and each.versions[name] != usual[name]
        ]
        if others:
            each.marks.append(f'other versions: {", ".join(others)}')
        begun = {
            f'{name} {earlier[name]}, then {each.versions[name]}'
            for earlier in each.earlier_versions
            for name in earlier
            if name not in UNRELATED and each.versions.get(name, earlier[name]) != earlier[name]
        }
        if begun:
            each.marks.append(f'trained with several versions: {", ".join(sorted(begun))}')


def _initial(each: Record) -> str:
    return ' '.join(str(file['sha256'] or file['file']) for file in each.weights)


def _groups(records: Sequence[Record], key: Callable[[Record], str]) -> Dict[str, List[Record]]:
    found: Dict[str, List[Record]] = {}
    for each in records:
        found.setdefault(key(each), []).append(each)
    return found


def _most_common(values: Iterable[str]) -> Optional[str]:
    """The first of those that are there most often; None if there are none."""
    counted: List[Tuple[str, int]] = Counter(filter(None, values)).most_common(1)
    return counted[0][0] if counted else None

"""An accuracy in words, and as data."""

from typing import Any, Dict

from .measure import Accuracy


def as_dict(accuracy: Accuracy) -> Dict[str, Any]:
    """For JSON."""
    prepare = accuracy.preprocessing
    return dict(
        name=accuracy.name,
        weights=accuracy.weights,
        size=prepare.size,
        resize=prepare.resize,
        assumed=prepare.assumed,
        images=accuracy.images,
        of=accuracy.of,
        top1=accuracy.top1,
        top5=accuracy.top5,
        published=accuracy.published,
        agrees=accuracy.agrees,
        unreadable=accuracy.unreadable,
    )


def as_text(accuracy: Accuracy) -> str:
    """A few lines."""
    prepare = accuracy.preprocessing
    assumed = f' (assumed: {prepare.assumed})' if prepare.assumed else ''
    some = '' if accuracy.images == accuracy.of else f' of {accuracy.of}'
    lines = [
        f'{accuracy.name}, {accuracy.weights}',
        f'{accuracy.images}{some} images at {prepare}, bicubic{assumed}',
        f'top-1 {accuracy.top1:.2f}, top-5 {accuracy.top5:.2f}; {_verdict(accuracy)}',
    ]
    if accuracy.unreadable:
        lines.append(f'{len(accuracy.unreadable)} files could not be read')
    return ''.join(f'{line}\n' for line in lines)


def _verdict(accuracy: Accuracy) -> str:
    if accuracy.published is None:
        return 'no published number is known for this file'
    published = f'published top-1 {accuracy.published:g}'
    if accuracy.agrees is None:
        return f'{published}, of all images'
    return f'{published}: {"agrees" if accuracy.agrees else "differs"}'

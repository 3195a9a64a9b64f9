"""Fitting a published state dict to a backbone, or saying why it does not fit."""

import os
import re
from dataclasses import dataclass
from typing import Callable, Dict, Iterable, List, Optional, Tuple, Union

from torch import Tensor

from ..errors import CheckpointError
from .channels import COLOURS, adapt_channels, describe_adaptation
from .checkpoint import Checkpoint, read_checkpoint
from .identify import identify, identify_other
from .key_mapping import KeyMapping, join_parts, whole_of

Shapes = Dict[str, Tuple[int, ...]]


@dataclass(frozen=True)
class LoadResult:
    """Weights that fit, under our names.

    Args:
        state: Our names and the tensors.
        file: Name of the file they are from.
        key_mapping: Whose names the file uses.
        expected: How many tensors the backbone has.
        missing_keys: Our names that the file lacks on purpose (they keep their initial values).
        unused_keys: The file's names that the backbone has no place for, on purpose.
        other_keys: How many tensors of the file belong to other parts of a model.
        adapted: What was done to a weight for colour images, for images of other channels.
    """

    state: Dict[str, Tensor]
    file: str
    key_mapping: KeyMapping
    expected: int
    missing_keys: Tuple[str, ...]
    unused_keys: Tuple[str, ...]
    other_keys: int
    adapted: Optional[str] = None

    def __str__(self) -> str:
        lines = [
            f'{self.file}: {self.key_mapping.family}, names of {self.key_mapping.source}; '
            f'{len(self.state)} of {self.expected} tensors loaded'
        ]
        if self.adapted:
            lines.append(f'  {self.adapted}')
        if self.missing_keys:
            lines.append(f'  not in the file, initial values kept: {_summary(self.missing_keys)}')
        if self.unused_keys:
            lines.append(f'  in the file, not needed here: {_summary(self.unused_keys)}')
        if self.other_keys:
            lines.append(f'  {self.other_keys} tensors of other parts of the model passed over')
        return '\n'.join(lines)


def read_pretrained(
    source: Union[str, 'os.PathLike[str]', Checkpoint],
    family: str,
    expected: Shapes,
    variants: Callable[[], Iterable[Tuple[str, Shapes]]],
    prefix: Optional[str] = None,
    keys_not_in_pretrained: Tuple[str, ...] = ('out_norms.',),
    optional_keys: Tuple[str, ...] = (),
    resize_pretrained: Callable[[str, Tensor], Tensor] = lambda name, value: value,
    image_weight: Optional[str] = None,
) -> LoadResult:
    """Read a checkpoint and translate it for a backbone.

    Args:
        source: Path or URL; or what has been read from one.
        family: Class name of the backbone.
        expected: Its state dict's names and shapes.
        variants: Gives name and shapes of every arch of the family; called if the file does not
            fit, to name the one it is for.
        prefix: What stands before the backbone's names in the file; None: found by itself.
        keys_not_in_pretrained: How names of ours begin that ImageNet files do not have.
        optional_keys: Patterns of names of ours that a backbone may be built without.
        resize_pretrained: Gets our name and a tensor, gives the tensor in the shape that is wanted.
        image_weight: Name of ours of the one weight that sees the image. Where its channels differ,
            one for colour images is adapted.

    Raises:
        CheckpointError: The file cannot be read, or is of another family or variant.
    """
    checkpoint = source if isinstance(source, Checkpoint) else read_checkpoint(source)
    everything, file = checkpoint.state, checkpoint.name
    if prefix:
        prefix = prefix if prefix.endswith('.') else prefix + '.'
        state = {k[len(prefix) :]: v for k, v in everything.items() if k.startswith(prefix)}
        if not state:
            raise CheckpointError(
                f'{file} has no names that begin with {prefix!r}; they begin with '
                f'{_summary(everything)}'
            )
    else:
        state = everything
    key_mapping, inner = identify(state)
    if key_mapping is None or key_mapping.family != family:
        raise CheckpointError(f'{file} {_strange(key_mapping, state)}, and this is a {family}')
    state = {k[len(inner) :]: v for k, v in state.items() if k.startswith(inner)}

    translated, leftover, left_out, surplus = {}, [], [], []
    for key, value in state.items():
        ours = key_mapping.to_ours(key)
        if key_mapping.is_unused(key):
            leftover.append(key)
        elif ours and whole_of(ours) in expected:
            translated[ours] = value
        elif ours and _is_left_out(whole_of(ours), expected, optional_keys):
            leftover.append(key)
            left_out.append(whole_of(ours))
        else:
            surplus.append(whole_of(ours) if ours else key)
    translated = {
        name: resize_pretrained(name, value) for name, value in join_parts(translated).items()
    }
    adapted = other_channels = None
    if image_weight in translated and translated[image_weight].dim() == 4:
        weight, wanted = translated[image_weight], expected[image_weight][1]
        if weight.shape[1] == COLOURS != wanted:
            translated[image_weight] = adapt_channels(weight, wanted)
            adapted = describe_adaptation(image_weight, wanted)
        elif weight.shape[1] != wanted:
            # of the wanted shape, so that another arch is told apart whatever the channels
            translated[image_weight] = weight[:, :1].expand(-1, wanted, -1, -1)
            other_channels = weight.shape[1]
    surplus = list(dict.fromkeys(surplus))  # parts of a tensor have one name
    missing = [key for key in expected if key not in translated]
    lacking = [key for key in missing if not _may_be_missing(key, keys_not_in_pretrained)]
    unequal = [
        f'{key} is {tuple(value.shape)} there and {expected[key]} here'
        for key, value in translated.items()
        if tuple(value.shape) != expected[key]
    ]
    if lacking or surplus or unequal:
        differences = [f'{key} is not in the file' for key in lacking]
        differences += [f'{key} is only in the file' for key in surplus]
        fitting = _fitting_variants(
            translated, [*surplus, *left_out], variants, keys_not_in_pretrained
        )
        raise CheckpointError(
            f'{file} is a {family} of another arch'
            + (f' ({" or ".join(fitting)})' if fitting else ' than any known')
            + f': {"; ".join((unequal + differences)[:3])}'
            + (f'; and {n} more' if (n := len(unequal + differences) - 3) > 0 else '')
        )
    if other_channels:
        raise CheckpointError(
            f'{file} was trained with images of {other_channels} channels, and this backbone takes '
            f'{wanted}: build it with in_channels={other_channels}'
        )
    return LoadResult(
        state=translated,
        file=file,
        key_mapping=key_mapping,
        expected=len(expected),
        missing_keys=tuple(missing),
        unused_keys=tuple(leftover),
        other_keys=len(everything) - len(state),
        adapted=adapted,
    )


def _strange(key_mapping: Optional[KeyMapping], keys: Iterable[str]) -> str:
    name = key_mapping.family if key_mapping else identify_other(keys)
    if name:
        return f'holds {name}'
    return f'is of no family known here (its names begin with {_summary(keys)})'


def _may_be_missing(ours: str, keys_not_in_pretrained: Tuple[str, ...]) -> bool:
    return ours.startswith(keys_not_in_pretrained) or ours.endswith('.num_batches_tracked')


def _is_left_out(ours: str, expected: Shapes, optional_keys: Tuple[str, ...]) -> bool:
    """Whether a name belongs to something that the backbone was built without, by choice."""
    stage = re.match(r'stages\.(\d+)\.', ours)
    if stage and not any(key.startswith(stage[0]) for key in expected):
        return True  # beyond the last level that out_indices asks for
    return ours.startswith('out_norms.') or any(re.fullmatch(p, ours) for p in optional_keys)


def _fitting_variants(
    translated: Dict[str, Tensor],
    others: List[str],
    variants: Callable[[], Iterable[Tuple[str, Shapes]]],
    keys_not_in_pretrained: Tuple[str, ...],
) -> List[str]:
    names = {**{k: tuple(v.shape) for k, v in translated.items()}, **dict.fromkeys(others)}
    fitting = []
    for arch, shapes in variants():
        lacking = [
            k for k in shapes if k not in names and not _may_be_missing(k, keys_not_in_pretrained)
        ]
        same = all(k in shapes and names[k] in (None, shapes[k]) for k in names)
        if same and not lacking:
            fitting.append(arch)
    return fitting


def _summary(keys: Iterable[str], limit: int = 6) -> str:
    """First components of the names and how often each occurs."""
    counts: Dict[str, int] = {}
    for key in keys:
        head = key.split('.')[0]
        counts[head] = counts.get(head, 0) + 1
    parts = [f'{head} ({count})' for head, count in counts.items()]
    rest = [f'and {len(parts) - limit} others'] if len(parts) > limit else []
    return ', '.join(parts[:limit] + rest)

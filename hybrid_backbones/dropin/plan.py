"""What must change in a config when its backbone does."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import torch

from ..backbones import families
from ..backbones.levels import Level
from ..config.traverse import Path, walk
from ..errors import ConfigError, as_config_error, one_line
from .changes import DropIn
from .heads import Features, change_heads
from .levels import STRIDES, choose_levels, shown
from .necks import update_in_channels
from .pose_heads import choose_pose_level
from .probe import NotFeatureMapsError, levels_of_backbone, levels_of_neck, without_weights
from .source import Source
from .training_settings import change_surroundings
from .variants import Variant

Necks = List[Tuple[Path, Any]]  # each with its path in the config


def plan(source: Source, variant: Variant) -> DropIn:
    """Decide everything; nothing is written.

    Raises:
        ConfigError: It cannot be known what is right; says what to set by hand.
    """
    root = find_root(source)
    drop = DropIn(source, variant, root, old=[])
    if variant.note:
        drop.note(variant.note)
    _refuse_bound(drop)
    drop.old = _old_levels(drop)
    before, necks = _pyramid(drop, drop.old)
    if len(before) == 1 and source.scope == 'mmpose' and not necks:
        chosen = [choose_pose_level(drop, before[0])]
    else:
        match = choose_levels(before, by_depth=source.scope == 'mmseg')
        chosen = _cascaded(drop, before, match.new)
        if match.note:
            drop.note(match.note)
    features = _change_necks(drop, before, chosen, necks)
    if features.after != features.before:
        change_heads(drop, features)
    change_surroundings(drop)
    return drop


def find_root(source: Source) -> Path:
    """Where the dict with the backbone is: the model itself, or the detector inside of it.

    Raises:
        ConfigError: There is no backbone.
    """
    found = [
        path
        for path, node in walk(source.cfg.model)
        if _is_part(node.get('backbone')) and all(isinstance(key, str) for key in path)
    ]
    if not found:
        raise ConfigError(
            f'{source.name} has no model.backbone to replace (model '
            f'{source.cfg.model.get("type")!r})'
        )
    return min(found, key=len)  # the outermost one


def _is_part(node: Any) -> bool:
    return isinstance(node, dict) and 'type' in node


def new_levels(variant: Variant, out_indices: Sequence[int]) -> List[Level]:
    """The levels of the new backbone."""
    with torch.device('meta'):
        backbone = families()[variant.family](
            variant.arch, out_indices=tuple(out_indices), **variant.arguments
        )
    return list(backbone.out_levels)


def _refuse_bound(drop: DropIn) -> None:
    """Models whose other parts are parts of their backbone."""
    model = drop.model
    shared = (model.get('roi_head') or {}).get('shared_head')
    if shared:
        raise ConfigError(
            f'{drop.source.name}: roi_head.shared_head ({shared.get("type")}) is the last stage of '
            f'the old backbone itself; take a config with an FPN instead'
        )


def _old_levels(drop: DropIn) -> List[Level]:
    backbone = drop.model.backbone
    try:
        return levels_of_backbone(drop.source.scope, backbone)
    except NotFeatureMapsError as error:
        raise ConfigError(
            f'{drop.source.name}: the backbone {backbone.type} cannot be replaced: {error}'
        ) from None
    except Exception as error:  # its package may be missing
        levels = _assumed_levels(drop)
        if levels is None:
            channels = backbone.get('in_channels', 3)
            if channels != 3:
                raise ConfigError(
                    f'{drop.source.name}: the backbone {backbone.type} gives no levels for an '
                    f'image of 3 channels, it has in_channels={channels}: write the new backbone '
                    'by hand'
                ) from None
            raise ConfigError(
                f'{drop.source.name}: the backbone {backbone.type} gives no levels for an '
                f'image: {type(error).__name__}: {one_line(error)}'
            ) from None
        drop.note(
            f'{backbone.type} could not be built here and is taken to have the strides '
            f'{shown([level.stride for level in levels])}'
        )
        return levels


# strides of backbones of MMPretrain, which may be missing, by how many levels are asked for
_USUAL: Dict[str, Tuple[int, ...]] = {
    **dict.fromkeys(('ConvNeXt', 'PoolFormer', 'TIMMBackbone', 'ResNet'), STRIDES),
    'VisionTransformer': (16,),
}


def _assumed_levels(drop: DropIn) -> Optional[List[Level]]:
    """By the channels that what follows expects, for backbones that are not installed."""
    package, _, name = drop.model.backbone.type.rpartition('.')
    if package not in ('mmpretrain', 'mmcls') or name not in _USUAL:
        return None
    consumers = (drop.model.get(part) for part in ('neck', 'decode_head', 'head'))
    wanted = next(
        (c['in_channels'] for c in consumers if isinstance(c, dict) and 'in_channels' in c), None
    )
    channels = [wanted] if isinstance(wanted, int) else list(wanted or ())
    strides = _USUAL[name][-len(channels) :]
    if not channels or len(strides) != len(channels):
        return None
    return [Level(c, s) for c, s in zip(channels, strides)]


def _neck_list(drop: DropIn) -> Necks:
    neck = drop.model.get('neck')
    path = ('model', *drop.root, 'neck')
    if isinstance(neck, (list, tuple)):
        return [((*path, i), part) for i, part in enumerate(neck)]
    return [(path, neck)] if neck else []


def _pyramid(drop: DropIn, old: List[Level]) -> Tuple[List[Level], Necks]:
    """The levels to replace, and the necks that stay.

    A plain transformer has one stride, and its neck makes a pyramid of it, which the
    new backbone gives already.
    """
    necks = _neck_list(drop)
    if len(necks) == 1 and len({level.stride for level in old}) == 1 and len(old) > 1:
        with as_config_error(f'{drop.source.name}: the old neck'):
            made = levels_of_neck(drop.source.scope, necks[0][1], old)
        if [level.stride for level in made] == list(STRIDES):
            drop.set(('model', *drop.root, 'neck'), None)
            drop.note(f'the neck {necks[0][1].type}, which made a pyramid of one stride, is gone')
            return made, []
    return old, necks


def _cascaded(drop: DropIn, before: List[Level], chosen: List[int]) -> List[int]:
    """Heads that hand on their maps, as OCR's do, must keep one stride: the last one's level."""
    heads = drop.model.get('decode_head')
    if not isinstance(heads, (list, tuple)) or drop.model.get('neck'):
        return chosen
    taken = {
        head.get('in_index', -1) for head in heads if isinstance(head.get('in_index', -1), int)
    }
    taken = {i % len(before) for i in taken}
    if len(taken) < 2 or len({before[i].stride for i in taken}) > 1:
        return chosen
    drop.note('the heads of the cascade stand on one level, the deepest of theirs')
    deepest = max(chosen[i] for i in taken)
    return [deepest if i in taken else level for i, level in enumerate(chosen)]


def _change_necks(drop: DropIn, before: List[Level], chosen: List[int], necks: Necks) -> Features:
    """Set the backbone and the necks; returns what the heads got and get."""
    scope = drop.source.scope
    if not necks:
        used = _used_by_heads(drop, len(before))
        out_indices = sorted({chosen[i] for i in used})
        after = new_levels(drop.variant, out_indices)
        _set_backbone(drop, out_indices, after)
        positions = {i: out_indices.index(chosen[i]) for i in used}
        return Features(list(before), after, positions)
    first = necks[0][1]
    start = first.get('start_level') or 0
    used = list(range(start, len(before)))
    candidates = [(used, True), (list(range(len(before))), False)] if start else [(used, False)]
    made_before = before
    with as_config_error(f'{drop.source.name}: the old necks'):
        for _, neck in necks:
            made_before = levels_of_neck(scope, neck, made_before)
    for used, trimmed in candidates:
        new = new_levels(drop.variant, [chosen[i] for i in used])
        tried = _try_necks(drop, before, new, used, necks, trimmed)
        same = [v.stride for v in tried.made] == [v.stride for v in made_before]
        if tried.made and (same or (not trimmed and len(tried.made) == len(made_before))):
            break
    else:
        raise ConfigError(
            f'{drop.source.name}: the neck {first.type} does not take the levels of '
            f'{drop.variant.name} (channels {shown([level.channels for level in new])}): '
            f'{tried.problem}; set it by hand'
        )
    _set_backbone(drop, [chosen[i] for i in used], new)
    for path, value in tried.edits.items():
        drop.set(path, value)
    return Features(made_before, tried.made, {i: i for i in range(len(tried.made))})


class _Tried(NamedTuple):
    """The levels behind the necks, the edits that make it so, and what is wrong if it is not so."""

    made: List[Level]
    edits: Dict[Path, Any]
    problem: str


def _try_necks(
    drop: DropIn,
    before: List[Level],
    new: List[Level],
    used: List[int],
    necks: Necks,
    trimmed: bool,
) -> _Tried:
    """Send the new levels through the necks; ``trimmed``: only those that the first one used."""
    edits: Dict[Path, Any] = {}
    levels_before, levels_after = before, new
    for number, (path, neck) in enumerate(necks):
        first = number == 0
        keep = used if first else range(len(levels_before))
        changed = update_in_channels(
            neck, [levels_before[i] for i in keep], levels_after, before=levels_before
        )
        if first and trimmed:
            changed[('start_level',)] = 0
            if neck.get('end_level', -1) not in (-1, None):
                changed[('end_level',)] = neck.end_level - used[0]
        new_neck = _with(neck, changed)
        try:
            levels_after = levels_of_neck(drop.source.scope, new_neck, levels_after)
            levels_before = levels_of_neck(drop.source.scope, neck, levels_before)
        except Exception as error:  # their code
            return _Tried([], edits, f'{type(error).__name__}: {one_line(error)}')
        edits.update({(*path, *key): value for key, value in changed.items()})
    return _Tried(levels_after, edits, 'another number of levels comes out')


def _with(cfg: Any, changes: Dict[Path, Any]) -> Any:
    cfg = without_weights(cfg)
    for path, value in changes.items():
        node = cfg
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value
    return cfg


def _set_backbone(drop: DropIn, out_indices: List[int], new: List[Level]) -> None:
    drop.new = new
    backbone = dict(_delete_=True, **drop.variant.backbone(tuple(out_indices)))
    drop.edits[drop.backbone] = backbone
    family = drop.variant.family
    for level in sorted(set(out_indices) - set(families()[family].pretrained_levels)):
        drop.note(
            f"{family}'s level of stride {STRIDES[level]} is not in the published weights: it "
            'starts at random'
        )


def _used_by_heads(drop: DropIn, number: int) -> List[int]:
    """Which levels the heads take: a level that nobody takes would have unused parameters."""
    if drop.source.scope == 'mmpose':
        return [number - 1]
    if drop.source.scope == 'mmdet':
        return list(range(number))
    used: Set[int] = set()
    for part in ('decode_head', 'auxiliary_head'):
        heads = drop.model.get(part) or []
        for head in heads if isinstance(heads, (list, tuple)) else [heads]:
            used |= _indices(head, number)
    return sorted(used)


def _indices(head: Any, number: int) -> Set[int]:
    """The levels of one segmentation head."""
    found: Set[int] = set()
    if head.get('c1_in_channels'):
        found.add(0)
    if isinstance(head.get('in_channels'), (list, tuple)) and 'in_index' not in head:
        found |= set(range(number))
    elif 'kernel_generate_head' in head:
        found |= _indices(head['kernel_generate_head'], number)
    else:
        index = head.get('in_index', -1)
        found |= set(index if isinstance(index, (list, tuple)) else [index])
    if any(not -number <= i < number for i in found):
        raise ConfigError(f'{head.get("type")}.in_index {sorted(found)} is beyond the levels')
    return {i % number for i in found}

"""What depends on the backbone outside of neck and heads: weights, colours, the optimizer."""

from typing import Any, Dict, List

from ..backbones import families
from ..backbones.families import modules_of_other_packages
from ..backbones.images import IMAGENET_MEAN, IMAGENET_STD
from ..backbones.init_cfg import is_pretrained
from ..config.traverse import Path, kind_of, walk
from .changes import DropIn
from .probe import build

RGB = 'bgr_to_rgb'
DEFAULT_CONSTRUCTOR = 'DefaultOptimWrapperConstructor'
LAYER_DECAY = 'hybrid_backbones.LayerDecayOptimWrapperConstructor'
# parameters of plain and windowed transformers, as rules for optimizers name them
OLD_KEYS = (
    'absolute_pos_embed',
    'relative_position_bias_table',
    'rel_pos_bias',
    'relative_position',
    'pos_block',
    'pos_embed',
    'cls_token',
    'gamma',
)


def change_surroundings(drop: DropIn) -> None:
    """Everything else that the old backbone left in the config."""
    _forget_weights(drop)
    _set_colours(drop)
    _set_optimizer(drop)
    _set_imports(drop)
    cfg = drop.source.cfg
    if drop.variant.sync_bn and not cfg.get('sync_bn'):
        drop.set(('sync_bn',), 'torch')
    batch = (cfg.get('train_dataloader') or {}).get('batch_size')
    fixed = drop.variant.arguments.get('norm_eval')
    least = families()[drop.variant.family].min_images_per_device
    if batch and batch < least and not fixed:
        drop.note(
            f'{drop.variant.family} trains with at least {least} images on a GPU, or several GPUs: '
            f'train_dataloader.batch_size is {batch}'
        )


def _forget_weights(drop: DropIn) -> None:
    """Weights of the old whole: of the model, or of parts that grew up behind the old backbone."""
    cfg = drop.source.cfg
    for depth in range(len(drop.root) + 1):
        node = drop.source.value('model', *drop.root[:depth])
        for key in ('pretrained', 'init_cfg'):
            if node.get(key):
                drop.set(('model', *drop.root[:depth], key), None)
    for path, node in walk(drop.model, ('model', *drop.root)):
        inside = len(path) > len(drop.root) + 1 and path[len(drop.root) + 1] != 'backbone'
        init = node.get('init_cfg')
        if inside and is_pretrained(init):
            drop.set((*path, 'init_cfg'), None)
            drop.note(f'{".".join(map(str, path))} no longer starts from {init.get("checkpoint")}')
    if cfg.get('load_from'):
        drop.set(('load_from',), None)
        drop.note(f'load_from was {cfg.load_from}, a checkpoint with the old backbone')


def _set_colours(drop: DropIn) -> None:
    """ImageNet's normalisation in RGB, wherever the model's preprocessor has another one."""
    where: Path = ('model', 'data_preprocessor')
    if not drop.source.value(*where):
        where = ('data_preprocessor',)
    found = drop.source.value(*where)
    if not isinstance(found, dict):
        drop.note('no data_preprocessor: images must come as RGB, normalised as ImageNet')
        return
    below = list(walk(found, where))
    nodes = [(path, node) for path, node in below if 'mean' in node]
    nodes = nodes or [pair for pair in below if 'datapreprocessor' in _type(pair[1]).lower()][-1:]
    for path, node in nodes:
        for key, value in (('mean', list(IMAGENET_MEAN)), ('std', list(IMAGENET_STD))):
            if [float(v) for v in node.get(key) or ()] != value:
                drop.set((*path, key), value)
        if not node.get(RGB):
            drop.set((*path, RGB), True)
        if node.get('rgb_to_bgr'):
            drop.set((*path, 'rgb_to_bgr'), False)
    pipelines = [drop.source.cfg.get(key) for key in ('train_dataloader', 'test_dataloader')]
    if any(kind_of(node) == 'Normalize' for _, node in walk(pipelines)):
        drop.note('a pipeline normalises images too (Normalize): see that it is done once')


def _type(node: Dict[str, Any]) -> str:
    return str(node.get('type', ''))


def _set_optimizer(drop: DropIn) -> None:
    """Rules for parameters that only the old backbone had."""
    wrapper = drop.source.cfg.get('optim_wrapper')
    if not isinstance(wrapper, dict):
        return
    optimizer = str((wrapper.get('optimizer') or {}).get('type'))
    if optimizer == 'SGD':
        drop.note(
            'the optimizer stays SGD as it was; built-in families were trained with AdamW: '
            'see configs/_base_/schedules'
        )
    rules = wrapper.get('paramwise_cfg')
    if not isinstance(rules, dict):
        return
    constructor = wrapper.get('constructor')
    rate = rules.get('decay_rate', rules.get('layer_decay_rate'))
    if constructor and constructor != DEFAULT_CONSTRUCTOR and rate is not None:
        new = dict(_delete_=True, decay_rate=rate)
        new.update(decay_type=rules.get('decay_type', 'layer_wise'), norm_decay_mult=0.0)
        drop.set(('optim_wrapper', 'constructor'), LAYER_DECAY)
        drop.edits[('optim_wrapper', 'paramwise_cfg')] = new
        drop.note(
            f"{constructor} knows the old backbone's layers alone: {LAYER_DECAY} is in its place"
        )
        return
    if not isinstance(rules.get('custom_keys'), dict):
        return
    names = [f'backbone.{name}' for name in _backbone_names(drop)]
    keys = rules['custom_keys']
    kept = {key: rule for key, rule in keys.items() if not _only_old(key, names)}
    if kept == dict(keys):
        return
    spared = [key for key in keys if 'norm' in key and keys[key].get('decay_mult') == 0]
    drop.edits[('optim_wrapper', 'paramwise_cfg', 'custom_keys')] = dict(
        _delete_=True, **{key: _plain(rule) for key, rule in kept.items()}
    )
    if spared and rules.get('norm_decay_mult') is None:
        drop.edits[('optim_wrapper', 'paramwise_cfg', 'norm_decay_mult')] = 0.0


def _backbone_names(drop: DropIn) -> List[str]:
    new = drop.edits[drop.backbone]
    backbone = {key: value for key, value in new.items() if key != '_delete_'}
    return [name for name, _ in build(drop.source.scope, backbone).named_parameters()]


def _only_old(key: str, names: List[str]) -> bool:
    """Whether a rule was for the old backbone alone.

    Those for norms are among them: by type (``norm_decay_mult``) all are found, by name not all.
    """
    if key in ('backbone', 'norm') or key.startswith('backbone.'):
        return key != 'backbone'
    return key in OLD_KEYS and not any(key in name for name in names)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(child) for key, child in value.items()}
    return value


def _set_imports(drop: DropIn) -> None:
    """``custom_imports``: not what only the old backbone came from, but what registers the new."""
    old = drop.source.cfg.get('custom_imports') or {}
    imports = old.get('imports') or []
    imports = [imports] if isinstance(imports, str) else list(imports)
    wanted = [] if _only_for_old_backbone(drop, imports) else list(imports)
    needed = families()[drop.variant.family].__module__
    if needed in modules_of_other_packages() and needed not in wanted:
        wanted.append(needed)
    if wanted != imports:
        drop.set(('custom_imports',), dict(imports=wanted) if wanted else None)


def _only_for_old_backbone(drop: DropIn, imports: List[str]) -> bool:
    packages = {name.split('.')[0] for name in imports}
    theirs = {
        _type(node).split('.')[0]
        for path, node in walk(drop.source.cfg.model, ('model',))
        if path != drop.backbone
    }
    return packages <= {'mmpretrain', 'mmcls'} and not packages & theirs

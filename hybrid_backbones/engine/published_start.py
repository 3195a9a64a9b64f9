"""Training on from a whole model as published: what ``load_from`` names, under today's names."""

from pathlib import Path
from typing import Any, List, Optional

from mmengine.config import Config

from ..backbones.init_cfg import is_pretrained
from ..config.traverse import forget_pretrained
from ..errors import ConfigError
from ..openmmlab.build import build_on_meta
from ..openmmlab.check_fit import check_fit
from ..openmmlab.published import apply_settings, report
from ..weights import PublishedModel, read_model
from .handed_over import hand_over

# whose shape follows the number of classes or keypoints, in heads of the three libraries
CLASS_LAYERS = ('fc_cls', 'fc_reg', 'conv_logits', 'retina_cls', 'conv_seg', 'final_layer')


def start_from_published(cfg: Config, allow_non_finite: bool = False) -> List[str]:
    """Prepare a config whose ``load_from``, or ``init_cfg`` of the whole model, was published.

    mmengine would load what has the same name, and go on from random weights with the rest. Class
    layers for another number of classes or keypoints are left out here, and begin as new. Files of
    ours are read here too, and loaded as far as names and shapes agree, as mmengine does.

    Args:
        cfg: Changed in place.
        allow_non_finite: Also take weights that are infinite or not a number.

    Returns:
        Lines for the log: what is loaded, what is left out, what was set for the file.

    Raises:
        CheckpointError: The file cannot be read.
        ConfigError: It is of another model.
    """
    source = _source(cfg)
    if source is None:
        return []
    published = read_model(source, allow_non_finite)
    if not published.source and not published.settings:
        cfg.load_from = hand_over(source, dict(state_dict=published.checkpoint.state))
        cfg.model.pop('init_cfg', None)
        return []
    notes = apply_settings(cfg, published)
    forget_pretrained(cfg.model)
    cfg.model.pop('init_cfg', None)
    state, left_out = _fitting(cfg, published)
    cfg.load_from = hand_over(source, dict(state_dict=state))
    lines = [report(published, len(state))]
    if left_out:
        layers = sorted({name.rpartition('.')[0] for name in left_out})
        lines.append(f'left out, of another number of classes: {", ".join(layers)}')
    return lines + notes


def _source(cfg: Config) -> Optional[str]:
    """The file that is trained on from, if it is one that can be read here."""
    init = cfg.model.get('init_cfg')
    whole = is_pretrained(init) and not init.get('prefix')
    source = cfg.get('load_from') or (init.checkpoint if whole else None)
    if not source or not isinstance(source, str):
        return None
    if '://' not in source and not Path(source).is_file():
        raise ConfigError(f'load_from: no checkpoint file {source}')
    return source if '://' not in source or source.startswith(('http://', 'https://')) else None


def _fitting(cfg: Config, published: PublishedModel) -> Any:
    """The model's tensors out of the file, and the names of class layers that do not fit."""
    state, name = published.checkpoint.state, published.checkpoint.name
    model = build_on_meta(cfg, 'the config')
    expected = model.state_dict()
    left_out = [
        key
        for key, value in expected.items()
        if key.split('.')[-2:-1] and key.split('.')[-2] in CLASS_LAYERS
        if key in state and state[key].shape != value.shape
    ]
    check_fit(model, {**state, **{key: expected[key] for key in left_out}}, name)
    kept = {key: state[key] for key in expected if key not in left_out}
    return kept, left_out

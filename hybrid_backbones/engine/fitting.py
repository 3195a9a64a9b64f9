"""Whether a checkpoint is one of a config's model, before that is built and loaded."""

from typing import Dict

import torch
from mmengine.config import Config
from torch import Tensor, nn

from .building import build_in_scope
from .settings import SettingsError

SCOPES = ('mmdet', 'mmseg', 'mmpose')

# share of tensors that do not fit, up to which the heads alone are likely to be others
HEADS_ALONE = 0.1


def build_on_meta(cfg: Config, name: str) -> nn.Module:
    """The model of a config, with shapes but without numbers.

    Args:
        cfg: Of mmdet, mmseg or mmpose.
        name: Of the config, for messages.

    Raises:
        SettingsError: The config has no model, one of another library, or one that cannot be built.
    """
    scope = cfg.get('default_scope')
    if scope not in SCOPES:
        raise SettingsError(
            f'{name}: default_scope must be one of {", ".join(SCOPES)}, got {scope!r}'
        )
    if not cfg.get('model'):
        raise SettingsError(f'{name} has no model')
    try:
        with torch.device('meta'):
            return build_in_scope(scope, cfg.model).eval()
    except Exception as error:  # whatever the config's classes raise
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise SettingsError(f'the model of {name} cannot be built: {reason}') from None


def check_fit(model: nn.Module, state: Dict[str, Tensor], file: str) -> None:
    """mmengine would load what fits and go on; a result from half a model helps nobody.

    Args:
        model: On any device, the meta device too.
        state: Names and tensors of the checkpoint; more than the model has are no fault.
        file: The checkpoint's name, for the message.

    Raises:
        SettingsError: A tensor is missing or of another shape; says which, and what may be why.
    """
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name.removeprefix('module.'): tuple(value.shape) for name, value in state.items()}
    wrong = [name for name, shape in expected.items() if found.get(name) != shape]
    if not wrong:
        return
    first = wrong[0]
    there = found.get(first, 'nothing')
    raise SettingsError(
        f'{file} is no checkpoint of this config: {len(wrong)} of {len(expected)} tensors are '
        f'missing or of another shape, the first is {first}, {there} in the file and '
        f'{expected[first]} here{_reason(len(wrong) / len(expected))}'
    )


def _reason(share: float) -> str:
    if share > HEADS_ALONE:
        return ''
    return (
        '; if it was trained with --mini or for other classes, say so here too, or name the '
        'config that training wrote beside the checkpoint'
    )

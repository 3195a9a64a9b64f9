"""Whether a checkpoint is one of a config's model, before that is built and loaded."""

from typing import Dict

from torch import Tensor, nn

from ..errors import ConfigError

# share of tensors that do not fit, up to which the heads alone are likely to be others
HEADS_ALONE = 0.1


def check_fit(model: nn.Module, state: Dict[str, Tensor], file: str) -> None:
    """mmengine would load what fits and go on; a result from half a model helps nobody.

    Args:
        model: On any device, the meta device too.
        state: Names and tensors of the checkpoint; more than the model has are no fault.
        file: The checkpoint's name, for the message.

    Raises:
        ConfigError: A tensor is missing or of another shape; says which, and what may be why.
    """
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name.removeprefix('module.'): tuple(value.shape) for name, value in state.items()}
    wrong = [name for name, shape in expected.items() if found.get(name) != shape]
    if not wrong:
        return
    first = wrong[0]
    there = found.get(first, 'nothing')
    raise ConfigError(
        f'{file} is no checkpoint of this config: {len(wrong)} of {len(expected)} tensors are '
        f'missing or of another shape, the first is {first}, {there} in the file and '
        f'{expected[first]} here{_reason(len(wrong) / len(expected))}'
    )


def _reason(share: float) -> str:
    if share > HEADS_ALONE:
        return ''
    return (
        '; if it was trained with `mini=True` or for other classes, give the same settings here, '
        'or name the config that training wrote beside the checkpoint'
    )

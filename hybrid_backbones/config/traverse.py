"""Walking through the dicts and lists of a config."""

from typing import Any, Callable, Iterator, List, Tuple

from mmengine.config import ConfigDict

Path = Tuple[Any, ...]  # keys of dicts and indices of lists


def walk(node: Any, path: Path = ()) -> Iterator[Tuple[Path, ConfigDict]]:
    """Every dict in a tree of dicts and lists with its path, itself included, parents first.

    Args:
        node: The tree; dicts may be changed while they are passed.
        path: Of ``node``, what the paths begin with.
    """
    if isinstance(node, dict):
        yield path, node
        children = list(node.items())
    elif isinstance(node, (list, tuple)):
        children = list(enumerate(node))
    else:
        return
    for key, child in children:
        yield from walk(child, (*path, key))


def backbones_in(model: Any) -> Iterator[ConfigDict]:
    """The backbones of a model's config, wherever they are.

    Semi-supervised detectors, trackers and distillers hold a detector that holds it.
    """
    for path, node in walk(model):
        if path and path[-1] == 'backbone':
            yield node


def forget_pretrained(model: Any) -> None:
    """Change the backbones of a model's config: a checkpoint of the whole model holds them too."""
    for backbone in backbones_in(model):
        backbone.init_cfg = None


def map_numbers(value: Any, change: Callable[[Any], Any]) -> Any:
    """A number, or lists of numbers, with ``change`` applied to each."""
    if isinstance(value, (list, tuple)):
        return type(value)(map_numbers(v, change) for v in value)
    return change(value)


def scale_sizes(pipeline: Any, factor: float, least: int = 32) -> None:
    """Multiply the image sizes in a pipeline by ``factor``; fractions of an image stay."""
    for _, transform in walk(pipeline):
        padded = ('size',) if kind_of(transform) == 'Pad' else ()
        for key in ('scale', 'scales', 'img_scale', 'crop_size', *padded):
            if key in transform and not _is_ratio(transform[key]):
                transform[key] = map_numbers(
                    transform[key], lambda n: max(round(n * factor), least)
                )


def _is_ratio(value: Any) -> bool:
    """Whether sizes are given as fractions of the image."""
    numbers: List[float] = []
    map_numbers(value, numbers.append)
    return any(number < 10 for number in numbers)


def kind_of(node: Any) -> str:
    """The bare name of a node's ``type``, which may be a name, a dotted name, or a class.

    Example:
        >>> kind_of(dict(type='torch.optim.adamw.AdamW'))
        'AdamW'
    """
    kind = node.get('type') if isinstance(node, dict) else None
    name = kind.__name__ if isinstance(kind, type) else str(kind or '')
    return name.rpartition('.')[2]

"""Published files, whole: the backbone's weights and the classifier's."""

import os
from dataclasses import replace
from typing import Container, Dict, List, Mapping, NamedTuple, Sequence, Tuple, Union

from mmengine.logging import print_log
from torch import Tensor

from ..backbones import HybridBackbone
from ..errors import CheckpointError
from ..weights import Checkpoint, KeyMapping, LoadResult, identify, read_checkpoint
from .classifier import Classifier
from .head import ClassifierHead, head_of

HEAD = 'head.'  # what OpenMMLab and this package call the head
COUNTER = '.num_batches_tracked'  # of a BatchNorm, which some files lack


class HeadWeights(NamedTuple):
    """A head's weights, found in a file.

    Args:
        state: The head's names and tensors.
        inside: What the file calls those that are among the backbone's, without its prefix.
        outside: How many others there are.
        missing: Names that keep their initial values.
        num_classes: Of the file.
    """

    state: Dict[str, Tensor]
    inside: Tuple[str, ...]
    outside: int
    missing: Tuple[str, ...]
    num_classes: int


def load_classifier(classifier: Classifier, source: Union[str, 'os.PathLike[str]']) -> LoadResult:
    """Load a file into a classifier, all of it or nothing. The log says what was loaded.

    Where the file has another number of classes, the layers that have a row for each class keep
    their initial values.

    Args:
        classifier: Any of this package's.
        source: Path or URL of a file that the authors, OpenMMLab or Hugging Face published, or of
            a classifier trained here.

    Raises:
        CheckpointError: The file cannot be fetched or read, has no classifier, or is of another
            network.
    """
    checkpoint = read_checkpoint(source)
    backbone, head = classifier.backbone, classifier.head
    of_backbone = backbone.find_pretrained(checkpoint)
    of_head = find_head(checkpoint, head)
    found = _joined(of_backbone, of_head, len(classifier.state_dict()))
    print_log(str(found), logger='current')
    if of_head.num_classes != head.num_classes:
        print_log(
            f'{found.file} has {of_head.num_classes} classes, this classifier {head.num_classes}: '
            f'its {" and ".join(layer[:-1] for layer in head.class_layers)} begin anew',
            logger='current',
        )
    backbone.take_pretrained(of_backbone)
    head.load_state_dict(of_head.state, strict=False)
    return found


def find_classifier(
    checkpoint: Checkpoint, backbone: HybridBackbone, head: ClassifierHead
) -> LoadResult:
    """What a file has for a backbone and its head, under a classifier's names; nothing is loaded.

    Layers that have a row for each class are left out where the file has other classes.

    Raises:
        CheckpointError: The file has no classifier, or is of another network.
    """
    expected = len(backbone.state_dict()) + len(head.state_dict())
    return _joined(backbone.find_pretrained(checkpoint), find_head(checkpoint, head), expected)


def _joined(of_backbone: LoadResult, of_head: HeadWeights, expected: int) -> LoadResult:
    return replace(
        of_backbone,
        state={**_below('backbone.', of_backbone.state), **_below(HEAD, of_head.state)},
        expected=expected,
        missing_keys=tuple(
            [f'backbone.{name}' for name in of_backbone.missing_keys]
            + [HEAD + name for name in of_head.missing]
        ),
        unused_keys=tuple(k for k in of_backbone.unused_keys if k not in of_head.inside),
        other_keys=of_backbone.other_keys - of_head.outside,
    )


def find_head(checkpoint: Checkpoint, head: ClassifierHead) -> HeadWeights:
    """A head's weights in a file, without the layers that have other classes there.

    Raises:
        CheckpointError: The file lacks some, or has more, or of other shapes.
    """
    file, expected = checkpoint.name, head.state_dict()
    key_mapping, prefix = identify(checkpoint.state)
    if key_mapping is None:
        raise CheckpointError(f'{file} has no classifier: it is of no family known here')
    found, surplus = _named(checkpoint.state, expected, key_mapping, prefix)
    missing = [name for name in expected if name not in found and not name.endswith(COUNTER)]
    if missing:
        raise CheckpointError(
            f'{file} has no classifier for this network: it lacks {_first(missing)}; for the '
            'backbone alone there is create_backbone'
        )
    if surplus:
        raise CheckpointError(
            f'{file} has another classifier than this network: {_first(surplus)} is only in the '
            'file; name the arch that it was trained as'
        )
    rows = {len(found[name][1]) for name in found if head.is_class_layer(name)}
    num_classes = max(rows)
    if len(rows) == 1 and num_classes != head.num_classes:
        found = {name: each for name, each in found.items() if not head.is_class_layer(name)}
    unequal = [
        f'{name} is {tuple(value.shape)} there and {tuple(expected[name].shape)} here'
        for name, (_, value) in found.items()
        if value.shape != expected[name].shape
    ]
    if unequal:
        raise CheckpointError(f'{file} has another classifier than this network: {unequal[0]}')
    keys = [key for key, _ in found.values()]
    inside = tuple(key[len(prefix) :] for key in keys if key.startswith(prefix))
    return HeadWeights(
        state={name: value for name, (_, value) in found.items()},
        inside=inside,
        outside=len(keys) - len(inside),
        missing=tuple(name for name in expected if name not in found),
        num_classes=num_classes,
    )


def head_from(checkpoint: Checkpoint, backbone: HybridBackbone) -> ClassifierHead:
    """The head in a file, in eval mode, with the file's classes.

    Args:
        checkpoint: What the file holds.
        backbone: With its weights, and the levels that the head takes.

    Raises:
        CheckpointError: See :func:`find_head`.
    """
    kind = head_of(type(backbone).__name__)
    head = kind(backbone, find_head(checkpoint, kind(backbone, 1)).num_classes)
    head.load_state_dict(find_head(checkpoint, head).state, strict=False)
    return head.eval()


def _named(
    state: Mapping[str, Tensor], names: Container[str], key_mapping: KeyMapping, inner: str
) -> Tuple[Dict[str, Tuple[str, Tensor]], List[str]]:
    """By the head's names: what a file calls a weight, and the weight; and those without a name.

    ``inner`` is what stands before the backbone's names.
    """
    # a model has its backbone and its head beside each other
    parents = inner.split('.')[:-1]
    around = ['.'.join([*parents[:depth], '']) for depth in range(len(parents), -1, -1)]
    prefixes = list(dict.fromkeys(prefix for each in around for prefix in (each + HEAD, each)))
    found, surplus = {}, []
    for key, value in state.items():
        for prefix in prefixes:
            if not key.startswith(prefix):
                continue
            name = key_mapping.to_classifier(key[len(prefix) :])
            if name is None:
                continue
            if name in names:
                found[name] = key, value
            else:
                surplus.append(key)
            break
    return found, surplus


def _below(prefix: str, state: Mapping[str, Tensor]) -> Dict[str, Tensor]:
    return {prefix + name: value for name, value in state.items()}


def _first(names: Sequence[str]) -> str:
    rest = f' and {len(names) - 1} more' if len(names) > 1 else ''
    return f'{names[0]}{rest}'

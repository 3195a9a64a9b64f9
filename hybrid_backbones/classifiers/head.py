"""What every head on top of a backbone has, and which family has which."""

from typing import Any, Callable, ClassVar, Dict, List, Optional, Sequence, Tuple, Type, Union

from torch import Tensor, nn

from ..backbones import HybridBackbone
from ..errors import ConfigError

# one tensor (N, classes), or what two classifiers say by themselves, in training
Logits = Union[Tensor, Tuple[Tensor, Tensor]]


class ClassifierHead(nn.Module):
    """Base of all heads. Names of weights are the authors', so that their files fit.

    Args:
        backbone: Whose levels come in; of those of :attr:`levels`.
        num_classes: Logits of each image.
        arch: The backbone's arch as it was asked for, a name perhaps.
    """

    # those that the head takes; the backbone is built with them
    levels: ClassVar[Tuple[int, ...]] = (3,)
    # how names of weights begin that have a row for each class
    class_layers: ClassVar[Tuple[str, ...]] = ('head.',)

    def __init__(self, backbone: HybridBackbone, num_classes: int, arch: Any = None):
        super().__init__()
        self.num_classes = num_classes

    def forward(self, levels: Sequence[Tensor], token: Optional[Tensor]) -> Logits:
        """Logits ``(N, num_classes)``, in training of two classifiers perhaps.

        Args:
            levels: What the backbone returns.
            token: Its class token ``(N, C)``, if it has one.
        """
        raise NotImplementedError

    def is_class_layer(self, name: str) -> bool:
        """Whether a weight has a row for each class."""
        return name.startswith(self.class_layers)


_HEADS: Dict[str, Type[ClassifierHead]] = {}


def register_head(family: str) -> Callable[[Type[ClassifierHead]], Type[ClassifierHead]]:
    """A decorator for the head of a family.

    Args:
        family: Class name of the backbone.
    """

    def register(head: Type[ClassifierHead]) -> Type[ClassifierHead]:
        _HEADS[family] = head
        return head

    return register


def head_of(family: str) -> Type[ClassifierHead]:
    """The class of a family's head.

    Raises:
        ConfigError: It has none; names those that have.
    """
    if family not in _HEADS:
        raise ConfigError(
            f'{family} has no classifier here; there are those of {", ".join(families_with_head())}'
        )
    return _HEADS[family]


def families_with_head() -> List[str]:
    """Class names of the backbones that have a head, in alphabetical order."""
    return sorted(_HEADS)

"""Reading labelled images in batches; those that cannot be read are set aside."""

from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple, Union

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...errors import one_line
from .imagenet import Labelled
from .preprocessing import Preprocessing

Item = Tuple[Union[Tensor, str], int]  # an image or why there is none, and its place


class Batch(NamedTuple):
    """Some of the images.

    Args:
        images: ``(N, 3, H, W)``; None if none of them could be read.
        places: Of those images, in the list that they are from.
        unreadable: Places of others, and why.
    """

    images: Optional[Tensor]
    places: List[int]
    unreadable: List[Tuple[int, str]]


class _Images(Dataset):  # type: ignore[type-arg]  # torch 2.1 cannot be asked for one at run time
    def __init__(self, images: Sequence[Labelled], prepare: Callable[[Image.Image], Tensor]):
        self.images = images
        self.prepare = prepare

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Item:
        path, _ = self.images[index]
        try:
            with Image.open(path) as image:
                return self.prepare(image), index
        except Exception as error:  # a decoder fails in many ways
            return one_line(error).replace(str(path), 'it'), index


def _collate(items: Sequence[Item]) -> Batch:
    read = [(image, place) for image, place in items if isinstance(image, Tensor)]
    return Batch(
        torch.stack([image for image, _ in read]) if read else None,
        [place for _, place in read],
        [(place, reason) for reason, place in items if isinstance(reason, str)],
    )


def batches_of(
    images: Sequence[Labelled], prepare: Preprocessing, batch: int, workers: int
) -> 'DataLoader[Item]':
    """A loader of :class:`Batch`.

    Args:
        images: In their order.
        prepare: What is done to each.
        batch: Images at a time.
        workers: Processes that read them; 0: this one.
    """
    return DataLoader(
        _Images(images, prepare), batch_size=batch, num_workers=workers, collate_fn=_collate
    )

"""Measuring ImageNet accuracy, beside what is published."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

import torch

from ...classifiers import Classifier
from ...errors import ConfigError
from ...utils.devices import device_of
from ...weights import PretrainedFile, find_best
from ...weights.families import find_pretrained
from ...zoo.create_classifier import create_classifier
from ...zoo.names import resolve
from .imagenet import Labelled, read_imagenet
from .loading import Batch, batches_of
from .preprocessing import Preprocessing
from .protocols import preprocessing_of

TOLERANCE = 0.1  # in percent: papers round, and libraries resize and decode not quite alike
TOP = 5
NUM_CLASSES = 1000

Track = Callable[[Any], Iterable[Batch]]


@dataclass(frozen=True)
class Accuracy:
    """What was measured.

    Args:
        name: Of the backbone.
        weights: Name of the file.
        preprocessing: Of the images.
        images: How many were classified.
        of: How many there are.
        top1: Share of images whose class has the highest logit, in percent.
        top5: Share of images whose class is among the five highest, in percent.
        published: Top-1 in percent; None if it is not known.
        unreadable: Files that could not be read, and why.
    """

    name: str
    weights: str
    preprocessing: Preprocessing
    images: int
    of: int
    top1: float
    top5: float
    published: Optional[float]
    unreadable: Dict[str, str]

    @property
    def agrees(self) -> Optional[bool]:
        """Whether top-1 is the published one, up to rounding; None if that cannot be said.

        It is published for all images alone.
        """
        if self.published is None or self.images < self.of:
            return None
        return abs(round(self.top1, 1) - round(self.published, 1)) < TOLERANCE + 0.01


def measure_accuracy(
    name: str,
    imagenet: str,
    weights: Optional[str] = None,
    labels: Optional[str] = None,
    size: Optional[int] = None,
    batch: int = 32,
    workers: int = 0,
    device: Optional[str] = None,
    num_images: Optional[int] = None,
    track: Track = iter,
) -> Accuracy:
    """Classify a validation set as the authors of the weights did.

    Args:
        name: Of a backbone, as :func:`hybrid_backbones.create_classifier` takes it.
        imagenet: Folder of the images, see :func:`.imagenet.read_imagenet`.
        weights: File or URL; None: the published one that needs no browser.
        labels: File of labels.
        size: Side of the square that the network sees; None: the file's.
        batch: Images at a time.
        workers: Processes that read images; 0: this one.
        device: ``'cpu'`` or ``'cuda'``; None: a GPU if there is one.
        num_images: Only so many, spread over the set; None: all.
        track: Gets the batches, and goes through them; to show progress.

    Raises:
        ConfigError: There is no such backbone, device or image, or labels are wrong.
        CheckpointError: The weights cannot be had, or have no classifier.
    """
    if workers < 0:
        raise ConfigError(f'`workers` must be 0 or more, got {workers}')
    family, arch, _ = resolve(name)
    target = device_of(device)
    source = find_best(family, arch) if weights is None else weights
    published = _published(source, family, arch)
    file = published.file if published else Path(source).name
    prepare = preprocessing_of(family, arch, file, size)
    everything = read_imagenet(imagenet, NUM_CLASSES, labels)
    images = _spread(everything, num_images)
    classifier = create_classifier(name, source).to(target).eval()
    ranks, unreadable = _ranks(
        classifier, images, track(batches_of(images, prepare, batch, workers))
    )
    return Accuracy(
        name=name,
        weights=file,
        preprocessing=prepare,
        images=len(ranks),
        of=len(everything),
        top1=_share(ranks, 1),
        top5=_share(ranks, TOP),
        published=published.top1 if published and size is None else None,
        unreadable=unreadable,
    )


def _published(source: str, family: str, arch: str) -> Optional[PretrainedFile]:
    """The entry of a file that has kept its name, or its address."""
    entry = find_pretrained(file=Path(source).name, url=source)
    return entry if entry and (entry.family, entry.arch) == (family, arch) else None


def _spread(images: List[Labelled], count: Optional[int]) -> List[Labelled]:
    if count is None or count >= len(images):
        return images
    return [images[i * len(images) // count] for i in range(count)]


@torch.inference_mode()
def _ranks(
    classifier: Classifier, images: List[Labelled], batches: Iterable[Batch]
) -> Tuple[List[int], Dict[str, str]]:
    """How many classes have a higher logit than the right one, image by image; and bad files."""
    device = next(classifier.parameters()).device
    ranks: List[int] = []
    unreadable: Dict[str, str] = {}
    for batch in batches:
        unreadable.update((str(images[place][0]), reason) for place, reason in batch.unreadable)
        if batch.images is None:
            continue
        logits = classifier(batch.images.to(device))
        right = torch.tensor([images[place][1] for place in batch.places], device=device)
        order = logits.argsort(dim=1, descending=True, stable=True)
        ranks += (order == right[:, None]).int().argmax(1).tolist()
    return ranks, unreadable


def _share(ranks: List[int], among: int) -> float:
    return 100 * sum(rank < among for rank in ranks) / max(len(ranks), 1)

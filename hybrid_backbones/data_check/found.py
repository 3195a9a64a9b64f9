"""What was read of a dataset before its images."""

from dataclasses import dataclass, field
from typing import List, Optional, Tuple

from .fetched import Backend
from .images import check_image
from .label_maps import Labels, check_label_map, same_size
from .problems import Problem

SAMPLED = 50  # images of a dataset that the quick form looks at


@dataclass(frozen=True)
class Image:
    """An image to look at.

    Args:
        path: Of its file.
        size: Its width and height in pixels, as annotations say; None: any.
        label_map: Of semantic segmentation, if there is one.
        labels: What its values may be.
        backend_args: With which mmengine reads the image, as in a config.
    """

    path: str
    size: Optional[Tuple[int, int]] = None
    label_map: Optional[str] = None
    labels: Optional[Labels] = None
    backend_args: Backend = None

    def check(self, whole: bool) -> Optional[Problem]:
        """The first thing that is wrong with it.

        Args:
            whole: Decode the image to its end, instead of its header alone.
        """
        problem = check_image(self.path, self.size, whole, self.backend_args)
        if problem or not self.label_map or not self.labels:
            return problem
        return (
            check_image(self.label_map)
            or check_label_map(self.label_map, self.labels)
            or same_size(self.path, self.label_map)
        )


@dataclass
class Found:
    """What a dataset has.

    Args:
        problems: Of its annotations.
        images: To look at.
    """

    problems: List[Problem] = field(default_factory=list)
    images: List[Image] = field(default_factory=list)


def spread(images: List[Image]) -> List[Image]:
    """A few, from the first to the last."""
    if len(images) <= SAMPLED:
        return images
    return [images[i * (len(images) - 1) // (SAMPLED - 1)] for i in range(SAMPLED)]

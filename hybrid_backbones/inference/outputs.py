"""What a prediction leaves on disk: files that are either whole or not there."""

from pathlib import Path
from typing import Any, List

import numpy as np
from mmengine.fileio import dump
from numpy.typing import NDArray

from ..utils.files import atomic_path, path_inside


class PredictionWriter:
    """Images in ``vis``, predictions in ``preds``, named as OpenMMLab's inferencers name them.

    Args:
        root: Made when the first file is written.
    """

    def __init__(self, root: Path):
        self.images = root / 'vis'
        self.predictions = root / 'preds'

    def write(
        self, name: str, original: NDArray[Any], drawn: NDArray[Any], prediction: Any
    ) -> None:
        """Write one image's.

        Args:
            name: Without ending.
            original: ``(H, W, 3)`` uint8, RGB.
            drawn: The same with what is predicted.
            prediction: What the inferencer says: what JSON can hold.
        """
        both = np.concatenate([original, drawn], axis=1)
        _write_image(path_inside(self.images, f'{name}.jpg'), both[..., ::-1])
        with atomic_path(path_inside(self.predictions, f'{name}.json')) as part:
            dump(prediction, part)

    def write_classes(
        self,
        name: str,
        original: NDArray[Any],
        drawn: NDArray[Any],
        classes: NDArray[Any],
        names: List[str],
    ) -> None:
        """The same for a segmentation: a PNG of class indices, as MMSegInferencer writes it, and a
        JSON that says how much of the image each class takes.

        Args:
            name: Without ending.
            original: ``(H, W, 3)`` uint8, RGB.
            drawn: The same with what is predicted.
            classes: ``(H, W)``, the class of each pixel.
            names: Of all classes.
        """
        target = path_inside(self.predictions, f'{name}.png')
        kind = np.uint8 if len(names) <= 256 else np.uint16
        _write_image(target, classes.astype(kind))
        indices, pixels = np.unique(classes, return_counts=True)
        found = [
            dict(label=int(i), name=names[i], share=round(int(n) / classes.size, 6))
            for i, n in zip(indices, pixels)
        ]
        found.sort(key=lambda entry: -entry['share'])
        self.write(name, original, drawn, dict(sem_seg=target.name, classes=found))


def _write_image(path: Path, image: NDArray[Any]) -> None:
    import mmcv

    with atomic_path(path) as part:
        mmcv.imwrite(np.ascontiguousarray(image), str(part))

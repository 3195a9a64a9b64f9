"""Predictions of a test, drawn by the libraries, as files with names of ours.

The libraries name a file by the last part of its image's path, so that images of one name in
several folders are one file; and on a full disk a file is half an image, or missing without a word.
"""

import os
from itertools import count
from pathlib import Path
from typing import Any, Dict, Iterator

from mmengine.config import Config
from mmengine.runner import Runner

from ..config.data import datasets_of
from ..utils.files import atomic_path, path_inside

DRAWN_SIZE = 256  # of a classified image's shorter side: its text has one size
SUFFIXES = ('.jpg', '.jpeg', '.png')


def draw_into(runner: Runner, folder: Path) -> None:
    """Have the library's hook, which the config has turned on, draw files into a folder."""
    for hook in runner.hooks:
        visualizer = getattr(hook, '_visualizer', None)
        if visualizer is not None:
            hook._visualizer = FileVisualizer(visualizer, folder, _image_folder(runner.cfg))


class FileVisualizer:
    """A library's visualizer that writes each image into a folder, whole or not at all.

    Args:
        visualizer: The library's.
        folder: Where the files go, in the folders that the images have below ``images``.
        images: Folder of the dataset's images.
    """

    def __init__(self, visualizer: Any, folder: Path, images: str):
        self._visualizer = visualizer
        self._folder = folder
        self._images = images
        self._persons: Dict[Path, Iterator[int]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._visualizer, name)

    def add_datasample(self, name: str, image: Any, data_sample: Any, **options: Any) -> None:
        """Draw an image; of poses, a person."""
        path = self._path(data_sample.metainfo)
        with atomic_path(path) as part:
            given = {**options, 'out_file': str(part)}
            self._visualizer.add_datasample(name, image, data_sample, **given)

    def visualize_cls(self, image: Any, data_sample: Any, **options: Any) -> None:
        """Draw a classified image, which MMPretrain's hook gives with blue first."""
        with atomic_path(self._path(data_sample.metainfo)) as part:
            given = {**options, 'out_file': str(part)}
            self._visualizer.visualize_cls(image[..., ::-1], data_sample, **given)

    def _path(self, about: Dict[str, Any]) -> Path:
        image = os.path.abspath(about['img_path'])
        below = os.path.relpath(image, self._images).replace(os.sep, '/')
        path = path_inside(self._folder, image if below.startswith('../') else below)
        if path.suffix.lower() not in SUFFIXES:
            path = path.with_name(f'{path.name}.png')
        if not hasattr(self._visualizer, 'skeleton'):
            return path
        number = about.get('id')  # of the person: other processes draw the others of an image
        if not isinstance(number, (int, str)):
            number = next(self._persons.setdefault(path, count()))
        return path_inside(path.parent, f'{path.stem}_{number}{path.suffix}')


def _image_folder(cfg: Config) -> str:
    """The folder that all images of the test set are below."""
    folders = [
        os.path.join(dataset.get('data_root') or '', prefix or '')
        for dataset in datasets_of(cfg, 'test_dataloader')
        for key, prefix in (dataset.get('data_prefix') or {'img': ''}).items()
        if key.startswith('img')
    ]
    return os.path.commonpath([os.path.abspath(folder) for folder in folders or ['']])

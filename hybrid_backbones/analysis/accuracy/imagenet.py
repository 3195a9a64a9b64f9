"""The images of ImageNet's validation set and their classes, as folders hold them.

Class numbers are those of all five authors: the places of the WordNet ids in alphabetical order.
"""

import csv
import re
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from ...errors import ConfigError

Labelled = Tuple[Path, int]

SUFFIXES = ('.jpeg', '.jpg', '.png')
BELOW = ('val', 'validation', 'ILSVRC2012_img_val')  # where the images may lie
# where labels are looked for, below the folder and beside it
LABEL_FILES = (
    'val.txt',
    'meta/val.txt',
    'LOC_val_solution.csv',
    'imagenet_2012_validation_synset_labels.txt',
)
FORMATS = (
    '"FILE CLASS" in each line, the class a number from 0 or a WordNet id; Kaggle\'s '
    'LOC_val_solution.csv; or a WordNet id in each line, in the order of file names'
)
WORDNET = re.compile(r'n\d{8}')
DEVKIT = 'ILSVRC2012_validation_ground_truth.txt'


def read_imagenet(folder: str, num_classes: int, labels: Optional[str] = None) -> List[Labelled]:
    """Images and the numbers of their classes.

    Args:
        folder: With a folder for each class, as training codes have it; or with all images, and a
            file of labels. Or the folder above, if it is called ``val``.
        num_classes: How many classes there are.
        labels: The file of labels; None: a known name in ``folder`` or beside it.

    Raises:
        ConfigError: There are no images or labels, or other classes; says what would be right.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ConfigError(f'no folder {folder}')
    below = [root / name for name in BELOW if (root / name).is_dir()]
    place = below[0] if below and not _images(root) else root
    classes = sorted(path for path in place.iterdir() if path.is_dir() and path.name[0] != '.')
    if labels is None and not _images(place):
        return _from_folders(place, classes, num_classes)
    images = _images(place)
    if not images:
        raise ConfigError(f'no image in {place}: none of its files ends in {" ".join(SUFFIXES)}')
    return _from_labels(images, _label_file(place, root, labels), num_classes)


def _images(folder: Path) -> List[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def _from_folders(place: Path, classes: List[Path], num_classes: int) -> List[Labelled]:
    if not classes:
        raise ConfigError(f'{place} has neither images nor a folder for each class')
    if len(classes) != num_classes:
        raise ConfigError(
            f'{place} has {len(classes)} folders of classes, {classes[0].name} the first, and the '
            f'classifier has {num_classes} classes: their order numbers them, so all must be there'
        )
    found = [(image, number) for number, each in enumerate(classes) for image in _images(each)]
    if not found:
        raise ConfigError(f'no image in the folders of {place}')
    return found


def _label_file(place: Path, root: Path, labels: Optional[str]) -> Path:
    if labels is not None:
        if not Path(labels).is_file():
            raise ConfigError(f'no file of labels {labels}')
        return Path(labels)
    for folder in dict.fromkeys((place, root, place.absolute().parent)):
        for name in LABEL_FILES:
            if (folder / name).is_file():
                return folder / name
    raise ConfigError(
        f'{place} has images and no labels: give `labels=FILE` ({FORMATS}), or a folder for each '
        'class'
    )


def _from_labels(images: List[Path], file: Path, num_classes: int) -> List[Labelled]:
    if file.name == DEVKIT:
        raise ConfigError(
            f'{file} numbers classes in another order than all classifiers; take a file with '
            f'{FORMATS}'
        )
    try:
        text = file.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f'{file} cannot be read as labels: {error}') from None
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if file.suffix == '.csv':
        rows = list(csv.reader(text.splitlines()))[1:]
        lines = [[row[0], row[1].split()[0]] for row in rows if len(row) > 1 and row[1].strip()]
    if lines and all(len(line) == 1 for line in lines):
        if len(lines) != len(images):
            raise ConfigError(f'{file} has {len(lines)} labels for {len(images)} images')
        lines = [[image.name, line[0]] for image, line in zip(images, lines)]
    strange = next((line for line in lines if len(line) != 2), None)
    if not lines or strange:
        said = f'not {" ".join(strange)!r}' if strange else 'and it is empty'
        raise ConfigError(f'{file} must have {FORMATS}; {said}')
    by_name = _numbers(lines, file, num_classes)
    unlabelled = [
        image for image in images if image.name not in by_name and image.stem not in by_name
    ]
    if unlabelled:
        raise ConfigError(
            f'{file} has no label for {len(unlabelled)} of {len(images)} images, the first is '
            f'{unlabelled[0].name}'
        )
    return [(image, by_name.get(image.name, by_name.get(image.stem, -1))) for image in images]


def _numbers(lines: List[List[str]], file: Path, num_classes: int) -> Dict[str, int]:
    """Class numbers by the name of the image."""
    values = {value for _, value in lines}
    if all(WORDNET.fullmatch(value) for value in values):
        if len(values) != num_classes:
            raise ConfigError(
                f'{file} has {len(values)} WordNet ids, and the classifier {num_classes} classes: '
                'their order numbers the classes, so all must be there'
            )
        numbers = {value: number for number, value in enumerate(sorted(values))}
    else:
        strange = sorted(v for v in values if not v.isdigit() or int(v) >= num_classes)
        if strange:
            raise ConfigError(
                f'{file}: {strange[0]!r} is no class, which is a number from 0 to '
                f'{num_classes - 1} or a WordNet id such as n01440764'
            )
        numbers = {value: int(value) for value in values}
    return {Path(name).name: numbers[value] for name, value in lines}

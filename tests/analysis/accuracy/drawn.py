"""A validation set of eight images in a thousand classes, and weights whose answer is known."""

import numpy as np
import torch
from PIL import Image

from hybrid_backbones import create_classifier

WORDNET_IDS = [f'n{11000000 + 37 * i}' for i in range(1000)]  # in alphabetical order
CLASSES = (0, 0, 1, 4, 4, 5, 300, 999)  # of the images


def draw(path, width=60, height=40):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(path.name)).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def folders(root):
    """As training codes have it."""
    for each in WORDNET_IDS:
        (root / each).mkdir(parents=True)
    for i, number in enumerate(CLASSES):
        draw(root / WORDNET_IDS[number] / f'ILSVRC2012_val_{i:08}.JPEG')
    return root


def flat(root):
    for i in range(len(CLASSES)):
        draw(root / f'ILSVRC2012_val_{i:08}.JPEG')
    return root


def save_rising(path):
    """Class 0 has the highest logit, then 1, 2, 3, whatever the image."""
    classifier = create_classifier('uniformer_xxs')
    with torch.no_grad():
        classifier.head.head.weight.zero_()
        classifier.head.head.bias.copy_(-torch.arange(1000.0))
    torch.save({'model': classifier.state_dict()}, path)
    return path

"""ImageNet classifiers: a backbone, and the head that its authors published with it."""

from . import families  # noqa: F401  # they register their heads
from .classifier import Classifier, build_classifier
from .head import ClassifierHead, Logits, families_with_head, register_head
from .image_classifier import ImageClassifier
from .load import COUNTER, HeadWeights, find_classifier, find_head, head_from, load_classifier

__all__ = [
    'COUNTER',
    'Classifier',
    'ClassifierHead',
    'HeadWeights',
    'ImageClassifier',
    'Logits',
    'build_classifier',
    'families_with_head',
    'find_classifier',
    'find_head',
    'head_from',
    'load_classifier',
    'register_head',
]

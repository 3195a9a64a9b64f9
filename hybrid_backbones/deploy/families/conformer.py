"""Conformer: every BatchNorm follows a convolution. Nothing is left."""

from functools import partial
from typing import Dict

from ...backbones.conformer import Stem, Up
from ..rules import Rule, fold_norms

RULES: Dict[type, Rule] = {
    Stem: partial(fold_norms, conv='bn'),
    Up: partial(fold_norms, proj='bn'),
}

"""ImageNet accuracy of a classifier, measured as its authors measured it."""

from . import families  # noqa: F401  # they register how images are prepared

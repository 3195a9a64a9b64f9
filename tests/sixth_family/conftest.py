"""The sixth family is there while a test asks for it; other tests see the five alone."""

import pytest

from .registered import sixth_family

# imported, its modules register the family: --doctest-modules would do that while it collects
collect_ignore = ['tiny_hybrid']


@pytest.fixture(scope='module')
def tiny_hybrid():
    """The package, registered for one file of tests."""
    with sixth_family() as package:
        yield package

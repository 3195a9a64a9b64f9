"""What is published, and how a file as published becomes weights of ours."""

from .catalogue import PUBLISHED, PublishedFile
from .dialects import DIALECTS, Dialect, recognise
from .matching import FoundWeights, find_weights
from .reading import CheckpointError, mmengine_globals, read_checkpoint

__all__ = [
    'DIALECTS',
    'PUBLISHED',
    'CheckpointError',
    'Dialect',
    'FoundWeights',
    'PublishedFile',
    'find_weights',
    'mmengine_globals',
    'read_checkpoint',
    'recognise',
]

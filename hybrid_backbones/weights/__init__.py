"""What is published, and how a file as published becomes weights of ours."""

from .catalogue import PublishedFile
from .converting import convert
from .dialects import Dialect
from .families import DIALECTS, PUBLISHED
from .matching import FoundWeights, find_weights
from .reading import CheckpointError, mmengine_globals, read_checkpoint
from .recognition import recognise

__all__ = [
    'DIALECTS',
    'PUBLISHED',
    'CheckpointError',
    'Dialect',
    'FoundWeights',
    'PublishedFile',
    'convert',
    'find_weights',
    'mmengine_globals',
    'read_checkpoint',
    'recognise',
]

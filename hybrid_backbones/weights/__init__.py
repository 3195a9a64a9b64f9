"""What is published, and how a file as published becomes weights of ours."""

from ..errors import CheckpointError
from .checkpoint import Checkpoint, read_checkpoint
from .convert import convert
from .download import find_best
from .families import KEY_MAPPINGS, PRETRAINED, published_files, register_weights
from .identify import identify
from .key_mapping import KeyMapping
from .load import LoadResult, read_pretrained
from .open_file import allow_mmengine_pickles
from .pretrained import PretrainedFile
from .whole_model import PublishedModel, read_model, translate_model

__all__ = [
    'KEY_MAPPINGS',
    'PRETRAINED',
    'Checkpoint',
    'CheckpointError',
    'KeyMapping',
    'LoadResult',
    'PretrainedFile',
    'PublishedModel',
    'allow_mmengine_pickles',
    'convert',
    'find_best',
    'identify',
    'published_files',
    'read_checkpoint',
    'read_model',
    'read_pretrained',
    'register_weights',
    'translate_model',
]

"""Comparing backbones: many configs with several seeds, from a plan to tables and figures."""

from .gather import gather, gather_folders, read_results, write_results
from .plan import plan
from .run import run_study
from .study import read_study, write_study

__all__ = [
    'gather',
    'gather_folders',
    'plan',
    'read_results',
    'read_study',
    'run_study',
    'write_results',
    'write_study',
]

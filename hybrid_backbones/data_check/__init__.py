"""Looking at a config's data before a GPU is paid for: what training and evaluation will read."""

from .check import Report, check_dataset, check_files
from .problems import Problem

__all__ = ['Problem', 'Report', 'check_dataset', 'check_files']

"""Testing published models again, on the data that they were tested on."""

from .run import reproduce
from .tables import csv_table, markdown_table, text_table

__all__ = ['csv_table', 'markdown_table', 'reproduce', 'text_table']

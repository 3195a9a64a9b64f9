"""Results as tables: Markdown, LaTeX, CSV and HTML."""

from typing import Callable, Dict

from . import csv, html, latex, markdown
from .content import Content, content_of

FORMATS: Dict[str, Callable[[Content], str]] = dict(
    md=markdown.render, latex=latex.render, csv=csv.render, html=html.render
)

__all__ = ['FORMATS', 'content_of']

"""The site that `make docs` builds from these pages, with Sphinx and MyST."""

import re
from pathlib import Path

import hybrid_backbones

project = 'hybrid_backbones'
release = version = hybrid_backbones.__version__
project_copyright = 'the authors of hybrid_backbones, Apache-2.0'

extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'sphinx.ext.viewcode']
exclude_patterns = ['_build']
myst_heading_anchors = 3  # named as GitHub names them, so that links work in both places

autodoc_typehints = 'signature'
autodoc_typehints_format = 'short'
python_maximum_signature_line_length = 88
autodoc_member_order = 'bysource'
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = 'furo'
html_title = f'hybrid_backbones {version}'
html_show_sphinx = False


def _leave_out_absent_pages(app, docname, source) -> None:
    """Tables of contents may name pages that a tool writes later, as `make bench` does."""
    folder = Path(app.srcdir)

    def keep(match: re.Match) -> str:
        lines = match[0].splitlines()
        known = [x for x in lines if x[:1] in ':`' or not x or (folder / f'{x}.md').is_file()]
        return '\n'.join(known)

    source[0] = re.sub(r'^```\{toctree\}.*?^```$', keep, source[0], flags=re.DOTALL | re.MULTILINE)


def setup(app) -> None:
    app.connect('source-read', _leave_out_absent_pages)

"""The site that `make docs` builds from these pages, with Sphinx and MyST."""

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

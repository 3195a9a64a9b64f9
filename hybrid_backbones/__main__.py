"""``python -m hybrid_backbones COMMAND``: the same as ``hybrid-backbones COMMAND``."""

import sys
from importlib.util import find_spec

from .cli.main import main

if __name__ == '__main__':
    # A process that is spawned imports the main module again by this name, and skips a __main__.
    __spec__ = find_spec('hybrid_backbones.cli.main')
    sys.exit(main())

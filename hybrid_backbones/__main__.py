"""``python -m hybrid_backbones COMMAND``: the same as ``hybrid-backbones COMMAND``."""

import sys

from .cli.main import main

if __name__ == '__main__':
    sys.exit(main())

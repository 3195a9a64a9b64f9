"""Replace the backbone of a config: python tools/drop_in.py CONFIG --backbone NAME."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['drop-in', *sys.argv[1:]]))

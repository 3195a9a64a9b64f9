"""Test published models again: python tools/reproduce.py [PATTERN] --weights-dir DIR."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['reproduce', *sys.argv[1:]]))

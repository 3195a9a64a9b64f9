"""Rename the weights of a checkpoint: python tools/convert_weights.py IN OUT."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['convert', *sys.argv[1:]]))

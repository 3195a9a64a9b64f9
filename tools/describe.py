"""Describe a backbone or a config: python tools/describe.py uniformer_small."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['describe', *sys.argv[1:]]))

"""Test a checkpoint: python tools/test.py CONFIG CHECKPOINT [--mini] [--show-dir DIR]."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['test', *sys.argv[1:]]))

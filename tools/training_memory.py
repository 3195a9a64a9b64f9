"""Estimate the memory that training takes: python tools/training_memory.py CONFIG."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['training-memory', *sys.argv[1:]]))

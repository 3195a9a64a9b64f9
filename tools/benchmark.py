"""Measure speed and memory: python tools/benchmark.py uniformer_small."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['benchmark', *sys.argv[1:]]))

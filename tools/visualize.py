"""Draw what a backbone computes: python tools/visualize.py erf."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['visualize', *sys.argv[1:]]))

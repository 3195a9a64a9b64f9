"""Look for faults in a config's data: python tools/check_dataset.py CONFIG."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['check-dataset', *sys.argv[1:]]))

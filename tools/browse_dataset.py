"""Draw what the pipeline feeds to the model: python tools/browse_dataset.py CONFIG."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['browse-dataset', *sys.argv[1:]]))

"""Print a config with all it inherits: python tools/print_config.py CONFIG."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['print-config', *sys.argv[1:]]))

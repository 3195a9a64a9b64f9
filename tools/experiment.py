"""Compare backbones: python tools/experiment.py plan CONFIG [CONFIG ...] --seeds 0,1,2."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['experiment', *sys.argv[1:]]))

"""Draw the curves of training logs: python tools/plot_log.py RUN [RUN ...]."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['plot-log', *sys.argv[1:]]))

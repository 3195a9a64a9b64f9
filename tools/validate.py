"""Measure ImageNet accuracy: python tools/validate.py NAME --imagenet DIR."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['validate', *sys.argv[1:]]))

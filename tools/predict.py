"""Run a trained model: python tools/predict.py CONFIG IMAGE_OR_FOLDER --weights FILE."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['predict', *sys.argv[1:]]))

"""Write a backbone as ONNX or torch.export: python tools/export.py uniformer_small."""

import sys

from hybrid_backbones.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['export', *sys.argv[1:]]))

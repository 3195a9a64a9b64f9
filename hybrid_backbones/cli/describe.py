"""``hybrid-backbones describe``."""

import argparse
import json

from .arguments import image_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'name',
        help='a backbone such as uniformer_small; or a config: its path, the name of a built-in '
        'one, or mmdet::...',
    )
    parser.add_argument(
        '--size',
        type=image_size,
        metavar='HxW',
        help='image size for the FLOPs; default: 800x1280, or what is usual for the task',
    )
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(args: argparse.Namespace) -> None:
    from ..analysis.describe.describe import describe
    from ..analysis.describe.text import as_text

    described = describe(args.name, args.size)
    print(json.dumps(described, indent=1) if args.json else as_text(described).rstrip('\n'))

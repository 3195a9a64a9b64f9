"""Say what is known about a backbone or a config: python tools/describe.py uniformer_s."""

from argparse import Namespace

from hybrid_backbones.analysis.describe.describe import print_description
from hybrid_backbones.cli.arguments import Parser, image_size, run


def parse_args() -> Namespace:
    parser = Parser(description='Say what is known about a backbone or a config')
    parser.add_argument(
        'name',
        help='a backbone such as uniformer_small; or a config: its path, the name '
        'of one of ours, or mmdet::...',
    )
    parser.add_argument(
        '--size',
        type=image_size,
        metavar='HxW',
        help='image to count operations for; 800x1280, or what is usual for the task of a config',
    )
    parser.add_argument('--json', action='store_true', help='print JSON')
    return parser.parse_args(namespace=Namespace(local_rank=0))


if __name__ == '__main__':
    run(parse_args, print_description)

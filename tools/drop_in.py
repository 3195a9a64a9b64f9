"""Put a backbone into a config that you have, by a short config that inherits it.

python tools/drop_in.py mmdet::retinanet/retinanet_r50_fpn_1x_coco.py --backbone uniformer_s
"""

import argparse

from hybrid_backbones.cli.arguments import Parser, image_size, run
from hybrid_backbones.dropin import drop_in


def parse_args() -> argparse.Namespace:
    parser = Parser(description='Put a backbone of ours into a config of somebody else')
    parser.add_argument(
        'config', help='a file, or mmdet::FOLDER/NAME.py, mmseg::..., mmpose::... of the libraries'
    )
    parser.add_argument('--backbone', required=True, help='such as uniformer_small or uniformer_s')
    parser.add_argument(
        '-o', '--out', metavar='FILE.py', help='the new config; default: OLD-NAME_BACKBONE.py here'
    )
    parser.add_argument(
        '--pretrained', metavar='FILE', help='weights of the backbone, a file or an address'
    )
    parser.add_argument(
        '--size',
        type=image_size,
        metavar='HxW',
        help="of the picture to try; default: a pose model's own, else 256x320",
    )
    parser.add_argument(
        '--untried',
        action='store_true',
        help='write it unseen: where an operator needs a GPU, or a package is missing',
    )
    return parser.parse_args(namespace=argparse.Namespace(local_rank=0))


if __name__ == '__main__':
    run(parse_args, drop_in)

"""Try tools/drop_in.py on every config of MMDetection, MMSegmentation and MMPose; minutes.

python tools/pages/drop_in_tool.py
python tools/pages/drop_in_tool.py --only mmdet::retinanet
"""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

import argparse

from hybrid_backbones.cli.arguments import Parser, run
from tools.pages.drop_in import sweep


def parse_args() -> argparse.Namespace:
    parser = Parser(description="Put our backbones into all of the libraries' configs")
    parser.add_argument('--only', default='', metavar='BEGINNING', help='as mmdet::retinanet')
    parser.add_argument(
        '--work-dir',
        default='work_dirs/drop_in_sweep',
        help='where results are kept; remove it to begin again',
    )
    parser.add_argument('--out', default='docs/drop_in.md', help='the page with the table')
    return parser.parse_args(namespace=argparse.Namespace(local_rank=0))


if __name__ == '__main__':
    run(parse_args, sweep)

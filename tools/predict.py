"""Predict on pictures: python tools/predict.py CONFIG CHECKPOINT IMAGE_OR_FOLDER [--out DIR].

Exit status: 0 all pictures have results, 1 some files were skipped, 2 nothing was done.
"""

import sys
from argparse import Namespace

from hybrid_backbones.cli.arguments import KeyValues, Parser, run
from hybrid_backbones.inference.predict import predict


def parse_args() -> Namespace:
    parser = Parser(description='Draw predictions beside pictures, and write them as JSON')
    parser.add_argument('config', help='path, the name of one of ours, or mmdet::...')
    parser.add_argument('checkpoint', help='checkpoint file, as training wrote it')
    parser.add_argument('pictures', metavar='IMAGE_OR_FOLDER')
    parser.add_argument('--out', metavar='DIR', help='default: work_dirs/CONFIG/predictions')
    parser.add_argument('--device', help='cpu, cuda, cuda:1; default: a GPU if there is one')
    parser.add_argument(
        '--score-thr', type=float, metavar='X', help='draw boxes and joints from here; default 0.3'
    )
    parser.add_argument(
        '--bboxes',
        metavar='FILE.json',
        help="for poses: where persons are, in the format of COCO's results",
    )
    parser.add_argument('--mini', action='store_true', help='the checkpoint was trained with it')
    parser.add_argument(
        '--fold', action='store_true', help='fold norms and scales of the backbone: it is faster'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='change settings of the config, as in training',
    )
    return parser.parse_args(namespace=Namespace(local_rank=0))


def main(args: Namespace) -> None:
    sys.exit(1 if predict(args).skipped else 0)


if __name__ == '__main__':
    run(parse_args, main)

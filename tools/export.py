"""Write a backbone as ONNX or torch.export's file: python tools/export.py uniformer_s --fold.

Heads are not exported: for whole models there is MMDeploy, see docs/export.md.
"""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

import sys
from argparse import Namespace

from hybrid_backbones.cli.arguments import KeyValues, Parser, image_size, run
from hybrid_backbones.deploy.exporting.export import export_from_arguments
from hybrid_backbones.deploy.exporting.formats import DEFAULT_OPSET, FORMATS, OPSETS
from hybrid_backbones.errors import ConfigError, ExportError
from tools.pages.export import write_table


def parse_args() -> Namespace:
    parser = Parser(description='Write a backbone as ONNX or as a file of torch.export')
    parser.add_argument(
        'network',
        nargs='?',
        help='a backbone such as uniformer_small; or a config, whose backbone it is',
    )
    parser.add_argument('--weights', metavar='FILE', help='as init_cfg takes it; random if none')
    parser.add_argument('--format', choices=FORMATS, default='onnx')
    parser.add_argument('--fold', action='store_true', help='fold norms and scales: it is faster')
    parser.add_argument(
        '--size', type=image_size, metavar='HxW', help='fix the size of images; any without it'
    )
    parser.add_argument('--out', metavar='FILE', help='what to write: *.onnx or *.pt2')
    parser.add_argument(
        '--opset',
        type=int,
        choices=OPSETS,
        default=DEFAULT_OPSET,
        metavar='N',
        help=f"version of ONNX's operators, {OPSETS[0]} to {OPSETS[-1]}; {DEFAULT_OPSET} if none",
    )
    parser.add_argument(
        '--options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='other arguments of the backbone, e.g. stage3_attention=hybrid',
    )
    parser.add_argument('--table', metavar='FILE.md', help='export all archs and list them there')
    parser.add_argument('--only', nargs='+', metavar='BACKBONE', help='of the table: these')
    parser.add_argument('--work-dir', default='work_dirs/export', help="the table's results")
    return parser.parse_args(namespace=Namespace(local_rank=0))


def main(args: Namespace) -> None:
    if bool(args.table) == bool(args.network):
        raise ConfigError('say which backbone to export, or --table FILE.md')
    try:
        write_table(args) if args.table else export_from_arguments(args)
    except ExportError as error:  # 2 is for wrong arguments
        print(f'export.py: {error}', file=sys.stderr)
        sys.exit(1)


if __name__ == '__main__':
    run(parse_args, main)

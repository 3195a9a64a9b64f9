"""Rename a checkpoint's weights: python tools/convert_weights.py IN OUT [--to official]."""

from argparse import Namespace

from hybrid_backbones.cli.arguments import Parser, run
from hybrid_backbones.weights import convert


def parse_args() -> Namespace:
    parser = Parser(description='Write weights under our names, or the names of the authors')
    parser.add_argument('source', metavar='IN', help='file or URL: published, converted or trained')
    parser.add_argument('destination', metavar='OUT', help='.pth or .safetensors; gets a hash')
    parser.add_argument('--to', choices=['ours', 'official'], default='ours', help='whose names')
    parser.add_argument(
        '--backbone-only', action='store_true', help='leave out the classifier and other parts'
    )
    return parser.parse_args(namespace=Namespace(local_rank=0))


def convert_weights(args: Namespace) -> None:
    official = args.to == 'official'
    print(convert(args.source, args.destination, args.backbone_only, official))


if __name__ == '__main__':
    run(parse_args, convert_weights)

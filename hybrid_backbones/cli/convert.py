"""``hybrid-backbones convert``."""

import argparse

from .arguments import add_allow_unsafe_load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', metavar='IN', help='file or URL: published, converted or trained')
    parser.add_argument(
        'destination', metavar='OUT', help='.pth or .safetensors, or a folder; the name gets a hash'
    )
    parser.add_argument('--to', choices=['ours', 'official'], default='ours', help='whose names')
    parser.add_argument(
        '--backbone-only', action='store_true', help='leave out the classifier and other parts'
    )
    add_allow_unsafe_load(parser)


def run(args: argparse.Namespace) -> None:
    from ..weights import convert

    official = args.to == 'official'
    print(convert(args.source, args.destination, args.backbone_only, official))

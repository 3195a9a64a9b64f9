"""``hybrid-backbones experiment table``."""

import argparse

from .common import add_results, results_of

FORMATS = ('md', 'latex', 'csv', 'html')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_results(parser)
    parser.add_argument('--format', choices=FORMATS, default='md', help='default: md')
    parser.add_argument('-o', '--out', metavar='FILE', help='default: print it')


def run(args: argparse.Namespace) -> None:
    from ...experiment.tables import FORMATS as RENDERERS
    from ...experiment.tables import content_of
    from ...utils.files import check_file, write_text

    if args.out:
        check_file(args.out)
    text = RENDERERS[args.format](content_of(results_of(args)))
    if args.out:
        write_text(args.out, text)
        print(f'wrote {args.out}')
    else:
        print(text, end='')

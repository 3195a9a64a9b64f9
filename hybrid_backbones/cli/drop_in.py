"""``hybrid-backbones drop-in``."""

import argparse

from .arguments import image_size, keywords


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'config', help='a file, or mmdet::FOLDER/NAME.py, mmseg::..., mmpose::... of the libraries'
    )
    parser.add_argument('--backbone', required=True, help='its name, such as uniformer_small')
    parser.add_argument(
        '-o', '--out', metavar='FILE.py', help='the new config; default: OLD-NAME_BACKBONE.py here'
    )
    parser.add_argument(
        '--pretrained', metavar='FILE', help='weights of the backbone: a file or a URL'
    )
    parser.add_argument(
        '--size',
        type=image_size,
        metavar='HxW',
        help="size of the image to try; default: a pose model's own, else 256x320",
    )
    parser.add_argument(
        '--skip-check',
        action='store_true',
        help='write the config without running the model: where an operator needs a GPU, or a '
        'package is missing',
    )


def run(args: argparse.Namespace) -> None:
    from ..dropin import drop_in
    from ..dropin.trial import table

    done = drop_in(**keywords(args))
    print(table(done.plan, done.before, done.after, done.size), end='')
    if args.skip_check:
        print('note: the new model was not tried')
    for note in done.plan.notes:
        print(f'note: {note}')
    print(f'wrote {done.path}')

"""``hybrid-backbones validate``.

Exit status: 0 all images were classified, 1 some could not be read, 2 nothing was done.
"""

import argparse
import json
import sys
from contextlib import redirect_stdout

from .arguments import add_workers, keywords, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('name', help='a backbone such as uniformer_small')
    parser.add_argument(
        '--imagenet',
        required=True,
        metavar='DIR',
        help='the validation set: a folder for each class, named by its WordNet id, or all images '
        'and a file of labels',
    )
    parser.add_argument(
        '--labels',
        metavar='FILE',
        help='for images in one folder: "FILE CLASS" in each line, the class a number from 0 or a '
        "WordNet id; or Kaggle's LOC_val_solution.csv; or a WordNet id in each line",
    )
    parser.add_argument(
        '--weights', metavar='FILE', help='path or URL; default: the published file'
    )
    parser.add_argument(
        '--size',
        type=positive,
        metavar='N',
        help="side of the square that the network sees, in pixels; default: the file's",
    )
    parser.add_argument('--batch', type=positive, default=32, help='images at a time; default 32')
    add_workers(parser, 'read')
    parser.add_argument('--device', help='cpu, cuda, cuda:1; default: a GPU if there is one')
    parser.add_argument(
        '--num-images', type=positive, metavar='N', help='only so many, spread over the set'
    )
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(args: argparse.Namespace) -> int:
    from ..analysis.accuracy.measure import measure_accuracy
    from ..analysis.accuracy.text import as_dict, as_text
    from .progress import track

    with redirect_stdout(sys.stderr):  # the log of what was loaded is no result
        accuracy = measure_accuracy(
            **keywords(args, 'json'), track=track('classifying', to_stderr=True)
        )
    for path, reason in accuracy.unreadable.items():
        print(f'left out {path}: {reason}', file=sys.stderr)
    text = json.dumps(as_dict(accuracy), indent=1) if args.json else as_text(accuracy).rstrip('\n')
    print(text)
    return 1 if accuracy.unreadable else 0

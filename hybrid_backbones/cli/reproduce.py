"""``hybrid-backbones reproduce``.

Exit status: 0 all tests gave the published result, 1 some did not or could not be run, 2 there
was nothing to do.
"""

import argparse

from .arguments import add_allow_unsafe_load, add_weights_dir, keywords


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'pattern',
        nargs='?',
        default='*',
        help="of configs' names, as in 'maskrcnn_*' (in quotes); default: all published models",
    )
    add_weights_dir(parser)
    add_allow_unsafe_load(parser)
    parser.add_argument(
        '--data-root', metavar='DIR', help='folder that holds the datasets, in place of data/'
    )
    parser.add_argument(
        '--tta', action='store_true', help='also with test-time augmentation, where published'
    )
    parser.add_argument(
        '--mini', action='store_true', help='on synthetic data: whether files can be tested'
    )
    parser.add_argument(
        '--out', metavar='DIR', help='results and logs; default: work_dirs/reproduce'
    )
    parser.add_argument(
        '--write', action='store_true', help='write reproduced results into configs/metafiles'
    )


def run(args: argparse.Namespace) -> int:
    from ..reproduce.metafiles import write_metafiles
    from ..reproduce.run import OUT, reproduce
    from ..reproduce.tables import text_table
    from ..reproduce.verdict import all_good
    from .progress import track

    rows = reproduce(**keywords(args, 'write'), track=track('testing'))
    print(text_table(rows))
    print(f'{sum(row.good for row in rows)} of {len(rows)} tests done, in {args.out or OUT}')
    for path in write_metafiles(rows) if args.write else ():
        print(f'changed {path}')
    return 0 if all_good(rows) else 1

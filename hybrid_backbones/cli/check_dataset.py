"""``hybrid-backbones check-dataset``.

Exit status: 0 nothing is wrong, 2 something is.
"""

import argparse
import sys

from .arguments import add_config_arguments, add_workers

SHOWN = 50  # problems that are printed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='path, name of a built-in config, or mmdet::...')
    parser.add_argument(
        '--quick', action='store_true', help='annotations whole, and the headers of a few images'
    )
    add_workers(parser, 'decode')
    parser.add_argument('--out', metavar='FILE.json', help='write all problems')
    add_config_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from ..config.data import DATALOADERS, check_not_data
    from ..data_check import check_dataset
    from ..engine.prepare import prepare
    from ..utils.files import check_file, write_json
    from .progress import track

    if args.out:
        check_file(args.out)
    cfg = prepare(
        args.config,
        data_of=DATALOADERS,
        mini=args.mini,
        all_classes=args.all_classes,
        data_root=args.data_root,
        cfg_options=args.cfg_options,
    )
    if args.out:
        check_not_data(cfg, args.out, 'out')
    report = check_dataset(
        cfg,
        DATALOADERS,
        full=not args.quick,
        workers=args.workers if args.workers > 1 else 0,
        track=track('reading'),
    )
    for problem in report.problems[:SHOWN]:
        print(problem, file=sys.stderr)
    if len(report.problems) > SHOWN:
        print(f'... and {len(report.problems) - SHOWN} more', file=sys.stderr)
    for what, count in report.counts.items():
        print(f'{count} {what}')
    for line in report.unchecked:
        print(line)
    print(f'{len(report.problems) or "no"} problems')
    if args.out:
        problems = [
            dict(file=each.file, problem=each.text, harmless=each.harmless)
            for each in report.problems
        ]
        write_json(
            args.out, dict(counts=report.counts, problems=problems, unchecked=report.unchecked)
        )
    return 2 if report.problems else 0

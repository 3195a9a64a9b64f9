"""``hybrid-backbones experiment gather``."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'sources',
        nargs='+',
        metavar='STUDY.yml|DIR',
        help='a study, and work directories that any tool of mmengine wrote',
    )
    parser.add_argument(
        '-o', '--out', metavar='FILE.json', help='default: results.json, in the folder of the study'
    )


def run(args: argparse.Namespace) -> int:
    from pathlib import Path

    from ...errors import ConfigError
    from ...experiment.gather import RESULTS, gather, gather_folders, write_results
    from ...experiment.state import DONE
    from ...experiment.study import read_study
    from ...utils.files import check_file

    studies = [each for each in args.sources if each.endswith(('.yml', '.yaml'))]
    folders = [each for each in args.sources if each not in studies]
    if len(studies) > 1:
        raise ConfigError(f'one study at a time, got {", ".join(studies)}')
    study = read_study(studies[0]) if studies else None
    out = Path(args.out or (Path(study.out) / RESULTS if study else RESULTS))
    check_file(out)
    found = gather(study, folders) if study else gather_folders(folders, out.stem)
    write_results(found, out)
    for run in found.runs:
        name = run.name if run.seed is None else f'{run.name}, seed {run.seed}'
        words = [run.status, run.reason, *run.marks]
        print(f'{name}: {"; ".join(filter(None, words))}')
    done = sum(run.status == DONE for run in found.runs)
    print(f'{done} of {len(found.runs)} runs are done; wrote {out}')
    return 0

"""``hybrid-backbones browse-dataset``.

Exit status: 0 all images are drawn, 1 some could not be read, 2 nothing was done.
"""

import argparse

from .arguments import add_config_arguments, keywords, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument(
        '--num-images', type=positive, default=16, metavar='N', help='draw the first N images'
    )
    parser.add_argument('--out', metavar='DIR', help='where to draw; default: below work_dirs')
    parser.add_argument(
        '--stage',
        choices=['pipeline', 'original'],
        default='pipeline',
        help='what the model gets, or the images as they are in the files',
    )
    parser.add_argument(
        '--heatmaps', action='store_true', help='also the target heatmaps of a pose estimator'
    )
    add_config_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from ..analysis.dataset.browse import browse
    from .progress import track

    done = browse(**keywords(args), track=track('drawing'))
    if done.of_detector:
        print(
            'the boxes are those of a detector, without keypoints: '
            f'{args.split}_dataloader.dataset.bbox_file=None shows the annotated ones'
        )
    for line in done.problems:
        print(line)
    if done.images:
        count = f'{len(done.images)} images of {done.total}'
        print(f'{count} in {done.folder}, the first is {done.images[0]}')
    if done.problems:
        print(f'{len(done.problems)} of {done.asked} are not as they should be')
    return 1 if done.problems else 0

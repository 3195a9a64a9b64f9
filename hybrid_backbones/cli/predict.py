"""``hybrid-backbones predict``.

Exit status: 0 all images have results, 1 some files were skipped, 2 nothing was done.
"""

import argparse
import sys

from ..errors import ConfigError
from .arguments import (
    AMP,
    add_all_classes,
    add_allow_non_finite,
    add_allow_unsafe_load,
    add_cfg_options,
    add_weights_dir,
    finite,
    keywords,
)

CHECKPOINTS = ('.pth', '.pt', '.pth.tar', '.bin', '.safetensors')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='path, name of a built-in config, or mmdet::...')
    parser.add_argument(
        'images',
        nargs='+',
        metavar='IMAGE',
        help="files, folders, or patterns such as 'dir/*.jpg'; a checkpoint may stand before them",
    )
    parser.add_argument(
        '--weights',
        metavar='FILE',
        help='checkpoint, as training wrote it or as published; default: what is published for '
        'the config',
    )
    add_weights_dir(parser)
    parser.add_argument('--out', metavar='DIR', help='default: work_dirs/CONFIG/predictions')
    parser.add_argument('--device', help='cpu, cuda, cuda:1; default: a GPU if there is one')
    parser.add_argument(
        '--score-thr',
        type=finite,
        metavar='X',
        help='draw boxes and keypoints from this score; default 0.3',
    )
    parser.add_argument(
        '--bboxes', metavar='FILE.json', help='for poses: person boxes, in COCO results format'
    )
    parser.add_argument('--mini', action='store_true', help='the checkpoint was trained with it')
    add_all_classes(parser)
    parser.add_argument(
        '--fold', action='store_true', help='fuse norms and scales of the model: it is faster'
    )
    parser.add_argument('--amp', action='store_true', help=AMP)
    add_allow_non_finite(parser)
    add_allow_unsafe_load(parser)
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> int:
    from ..inference.predict import predict
    from .progress import track

    if not args.weights and args.images[0].endswith(CHECKPOINTS):
        args.weights, *args.images = args.images
        if not args.images:
            raise ConfigError(f'{args.weights} is a checkpoint: name images after it')
    done = predict(**keywords(args), track=track('predicting'))
    for path, reason in done.skipped.items():
        print(f'skipped {path}: {reason}', file=sys.stderr)
    if done.whole_images:
        print('no --bboxes: each whole image was taken for one person')
    names = 'image' if done.images == 1 else 'images'
    print(f'wrote {done.images} {names} with predictions to {done.folder / "vis"}')
    print(f'predictions in {done.folder / "preds"}')
    if done.scored and not done.drawn:
        best = '' if done.best is None else f'; the best is {done.best:.2g}'
        print(f'0 {done.scored} above {done.threshold:g}{best}')
    if done.skipped:
        print(f'{len(done.skipped)} of {done.images + len(done.skipped)} files skipped')
    return 1 if done.skipped else 0

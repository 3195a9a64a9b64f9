"""``hybrid-backbones test``."""

import argparse
from typing import TYPE_CHECKING, Iterator

from .arguments import AMP, COMPILE, add_allow_non_finite, add_runner_arguments, keywords

if TYPE_CHECKING:
    from ..engine.test import Tested

TOP = 'accuracy/top'
BOTH = 'ground truth (left) and predictions (right)'
WHAT_IS_DRAWN = dict(
    mmdet=BOTH,
    mmseg=BOTH,
    mmpose='predictions, one person in each image',
    mmpretrain='ground truth and prediction, written into the image',
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='path, name of a built-in config, or mmdet::...')
    parser.add_argument('checkpoint', help='checkpoint file, as training wrote it')
    add_runner_arguments(parser)
    parser.add_argument('--out', metavar='FILE.pkl', help='also write the raw predictions')
    parser.add_argument('--show-dir', metavar='DIR', help='draw predictions beside ground truth')
    add_allow_non_finite(parser)
    parser.add_argument('--tta', action='store_true', help='test-time augmentation')
    parser.add_argument(
        '--fold', action='store_true', help='fuse norms and scales of the model: it is faster'
    )
    parser.add_argument('--amp', action='store_true', help=AMP)
    parser.add_argument('--compile', action='store_true', help=COMPILE)


def run(args: argparse.Namespace) -> None:
    from mmengine.dist import is_main_process

    from ..engine.process_group import leave_process_group
    from ..engine.test import test

    tested = test(**keywords(args, 'local_rank'))
    if is_main_process():  # all processes have the metrics
        for line in _summary(tested, args.show_dir):
            print(line)
    leave_process_group()


def _summary(tested: 'Tested', show_dir: str) -> Iterator[str]:
    """The numbers that a reader looks for first, and where the images are."""
    yield from tested.notes
    metrics = tested.metrics
    for kind, prefix in (('box', 'coco/bbox_mAP'), ('mask', 'coco/segm_mAP')):
        if prefix in metrics:
            yield f'{kind} AP {metrics[prefix]:.3f}, {kind} AP50 {metrics[prefix + "_50"]:.3f}'
    if 'mIoU' in metrics:  # in percent, as MMSegmentation gives it
        yield f'mIoU {metrics["mIoU"]:.2f}, pixel accuracy {metrics["aAcc"]:.2f}'
    if 'coco/AP' in metrics:
        yield f'keypoint AP {metrics["coco/AP"]:.3f}, AP50 {metrics["coco/AP .5"]:.3f}'
    if f'{TOP}1' in metrics:  # in percent
        tops = {key[len(TOP) :]: value for key, value in metrics.items() if key.startswith(TOP)}
        yield ', '.join(f'top-{k} {value:.2f}' for k, value in tops.items())
    if tested.images:
        yield f'{WHAT_IS_DRAWN[tested.library]}: {tested.images[0]}'
        yield f'{len(tested.images)} images like it in {show_dir}'

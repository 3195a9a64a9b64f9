"""``hybrid-backbones visualize``: compute, draw, write one image, say where it is."""

import argparse
import re
from pathlib import Path
from typing import Any, List

from .arguments import add_allow_unsafe_load, image_size, keywords, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    whats = parser.add_subparsers(dest='figure', metavar='WHAT', required=True)

    one = whats.add_parser('features', help='maps of every level')
    _about_one(one)
    one.add_argument('--channels', type=positive, default=4, help='of the strongest, to show')

    erf = whats.add_parser('erf', help='effective receptive fields, side by side')
    erf.add_argument('backbones', nargs='*', metavar='BACKBONE', help='all five families if none')
    erf.add_argument(
        '--weights', nargs='+', metavar='FILE', help='one for each backbone, or the word random'
    )
    erf.add_argument(
        '--image', dest='images', nargs='+', metavar='FILE', help='in place of random images'
    )
    erf.add_argument('--size', type=image_size, default=(320, 320), metavar='HxW')
    erf.add_argument('--level', type=int, choices=range(4), help='default: the last one')
    erf.add_argument('--samples', type=positive, default=8, help='gradients to average')
    _out(erf)

    look = whats.add_parser('attention', help='what a position of a block attends to')
    _about_one(look)
    look.add_argument('--block', required=True, help='such as stages.2.blocks.3')
    look.add_argument(
        '--query',
        default='0.5,0.5',
        metavar='Y,X',
        help='0.0 to 1.0 over the image, or whole numbers on the map, or the word class',
    )

    branches = whats.add_parser('cam', help="Grad-CAM of Conformer's two branches")
    _about_one(branches)
    branches.add_argument('--block', help='coupling block; default: the last one')
    branches.add_argument(
        '--class',
        dest='label',
        type=int,
        metavar='N',
        help='whose score is explained; default: of a config the best one, of a backbone alone '
        'the sum of squares of its last level',
    )


def _about_one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'backbone',
        metavar='BACKBONE',
        help='a name such as uniformer_small, or a config (name or path)',
    )
    parser.add_argument('--image', metavar='FILE', help='default: a synthetic image')
    parser.add_argument('--weights', metavar='FILE', help='default: random weights')
    parser.add_argument('--size', type=image_size, metavar='HxW', help='resize the image')
    _out(parser)


def _out(parser: argparse.ArgumentParser) -> None:
    add_allow_unsafe_load(parser)
    parser.add_argument('--out', metavar='FILE.png', help='default: below work_dirs/visualize')


def run(args: argparse.Namespace) -> None:
    from ..analysis.interpret import visualize
    from ..analysis.interpret.figures import save
    from ..analysis.interpret.figures.canvas import check_target

    out = check_target(args.out or f'work_dirs/visualize/{args.figure}_{_name(args)}.png')
    given = keywords(args, 'figure', 'out')
    if args.figure == 'features':
        figure = visualize.features_figure(**given)
    elif args.figure == 'attention':
        figure = visualize.attention_figure(**given)
    elif args.figure == 'cam':
        figure = visualize.cam_figure(**given)
    else:
        figure = _receptive_fields(**given)
    save(figure, out)
    print(f'written: {out}')


def _receptive_fields(backbones: List[str], weights: Any, **options: Any) -> Any:
    from ..analysis.interpret.visualize import receptive_fields_figure

    files = [None if file == 'random' else file for file in weights or []]
    found = receptive_fields_figure(backbones, weights=files, **options)
    for panel in found.panels:
        shares = ', '.join(f'{share:.0%} in {area:.1%}' for share, area in panel.shares.items())
        print(f'{panel.title}: {shares} of the area'.replace('\n', ', '))
    return found.figure


def _name(args: argparse.Namespace) -> str:
    """The default file's name, of what was asked for."""
    if args.figure == 'erf':
        name = '_'.join(args.backbones) or 'families'
    else:
        name = args.backbone
    if args.figure == 'attention':
        name = f'{name}_{args.block}'
    return re.sub(r'[^\w.-]+', '-', Path(name).stem if name.endswith('.py') else name)

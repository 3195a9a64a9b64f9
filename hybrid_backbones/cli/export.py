"""``hybrid-backbones export``.

Heads are not exported: for whole models there is MMDeploy, see docs/export.md.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

from ..errors import ConfigError, ExportError
from .arguments import KeyValues, add_allow_unsafe_load, image_size

if TYPE_CHECKING:
    from ..deploy.exporting.export import Exported


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from ..deploy.exporting.formats import DEFAULT_OPSET, FORMATS, OPSETS

    parser.add_argument(
        'network', help='a backbone such as uniformer_small; or a config, whose backbone it is'
    )
    parser.add_argument('--weights', metavar='FILE', help='as init_cfg takes it; random if none')
    add_allow_unsafe_load(parser)
    parser.add_argument('--format', choices=FORMATS, default='onnx')
    parser.add_argument('--fold', action='store_true', help='fuse norms and scales: it is faster')
    parser.add_argument(
        '--size', type=image_size, metavar='HxW', help='fix the image size; default: any'
    )
    parser.add_argument('--out', metavar='FILE', help='what to write: *.onnx or *.pt2')
    parser.add_argument(
        '--opset',
        type=int,
        choices=OPSETS,
        default=DEFAULT_OPSET,
        metavar='N',
        help=f'ONNX opset, {OPSETS[0]} to {OPSETS[-1]}; default {DEFAULT_OPSET}',
    )
    parser.add_argument(
        '--options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='other arguments of the backbone, e.g. stage3_attention=hybrid',
    )


def run(args: argparse.Namespace) -> int:
    from ..deploy import fold
    from ..deploy.exporting.export import export
    from ..deploy.exporting.formats import FORMATS, check_packages
    from ..deploy.exporting.verify import draw_constants
    from ..utils.files import check_file
    from ..zoo.create import load_backbone

    suffix = FORMATS[args.format].suffix
    out = args.out or re.sub(r'\W+', '_', Path(args.network).stem) + suffix
    if not out.endswith(suffix):
        raise ConfigError(f'`format={args.format}` writes a file *{suffix}, not {out!r}')
    check_file(out)
    check_packages(args.format)
    loaded = load_backbone(args.network, args.weights, args.options)
    backbone = loaded.backbone if args.weights else draw_constants(loaded.backbone)
    exported = fold(backbone) if args.fold else backbone
    try:
        done = export(exported, out, args.format, args.size, args.opset)
    except ExportError as error:  # 2 is for wrong arguments
        print(error, file=sys.stderr)
        return 1
    for line in _report(done, loaded.weights, args):
        print(line)
    return 0


def _report(done: 'Exported', weights: str, args: argparse.Namespace) -> Iterator[str]:
    from ..deploy.exporting.trace import LARGEST, SMALLEST
    from ..deploy.exporting.verify import TOLERANCE

    kind = f'ONNX, opset {args.opset}' if args.format == 'onnx' else 'torch.export'
    size = f'{args.size[0]}x{args.size[1]}' if args.size else 'any height and width'
    if args.size is None:
        size += f' from {SMALLEST} to {LARGEST} pixels'
    folded = ', folded' if args.fold else ''
    yield f'{done.path}: {kind}{folded}, {done.megabytes:.1f} MB, {weights}; any batch, {size}'
    yield f'largest difference from PyTorch over all levels (tolerance {TOLERANCE:.0e}):'
    for difference in done.differences:
        shape = 'x'.join(map(str, difference.shape))
        yield (
            f'  {shape:>13}: {difference.absolute:.1e}, '
            f'{difference.relative:.1e} standard deviations of a level'
        )

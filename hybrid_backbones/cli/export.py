"""``hybrid-backbones export``.

Of detectors the backbone: for the whole there is MMDeploy, see docs/export.md.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, Optional, Tuple

from ..errors import ConfigError, ExportError
from .arguments import KeyValues, add_allow_unsafe_load, image_size

if TYPE_CHECKING:
    from ..deploy.exporting.export import Exported
    from ..deploy.exporting.formats import Labels
    from ..deploy.exporting.trace import Backbone, Size

    Given = Tuple[Backbone, Labels, Optional[Size], str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from ..deploy.exporting.formats import DEFAULT_OPSET, FORMATS, OPSETS

    parser.add_argument(
        'network', help='a backbone such as uniformer_small; or a config, whose backbone it is'
    )
    parser.add_argument(
        '--whole',
        action='store_true',
        help="the config's whole segmentor, to logits, or top-down pose estimator, to heatmaps",
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
    from ..deploy.exporting.export import export
    from ..deploy.exporting.formats import FORMATS, check_packages
    from ..utils.files import check_file

    suffix = FORMATS[args.format].suffix
    out = args.out or re.sub(r'\W+', '_', Path(args.network).stem) + suffix
    if not out.endswith(suffix):
        raise ConfigError(f'`format={args.format}` writes a file *{suffix}, not {out!r}')
    check_file(out)
    check_packages(args.format)
    prepare = _whole if args.whole else _backbone
    network, labels, size, weights = prepare(args)
    try:
        done = export(network, out, args.format, size, args.opset, labels)
    except ExportError as error:  # 2 is for wrong arguments
        print(error, file=sys.stderr)
        return 1
    for line in _report(done, weights, size, args):
        print(line)
    return 0


def _backbone(args: argparse.Namespace) -> 'Given':
    from ..deploy import fold
    from ..deploy.exporting.formats import NO_LABELS
    from ..deploy.exporting.verify import draw_constants
    from ..zoo.create import load_backbone

    loaded = load_backbone(args.network, args.weights, args.options)
    backbone = loaded.backbone if args.weights else draw_constants(loaded.backbone)
    return fold(backbone) if args.fold else backbone, NO_LABELS, args.size, loaded.weights


def _whole(args: argparse.Namespace) -> 'Given':
    from ..deploy import fold_model
    from ..deploy.exporting.verify import draw_constants
    from ..deploy.exporting.whole import check_library, whole_model
    from ..zoo.configs import is_config, read_config
    from ..zoo.models import load_model

    if not is_config(args.network):
        raise ConfigError(f'`whole` takes a config, and {args.network} is the name of a backbone')
    check_library(read_config(args.network), args.network)
    loaded = load_model(args.network, args.weights, args.options)
    in_channels = loaded.model.backbone.in_channels
    model = loaded.model if args.weights else draw_constants(loaded.model)
    if args.fold:
        fold_model(model)
    name = Path(args.network).stem
    network, labels, size = whole_model(model, loaded.cfg, name, in_channels, args.size)
    return network, labels, size, loaded.weights


def _report(
    done: 'Exported', weights: str, fixed: 'Optional[Size]', args: argparse.Namespace
) -> Iterator[str]:
    from ..deploy.exporting.trace import LARGEST, SMALLEST
    from ..deploy.exporting.verify import TOLERANCE

    kind = f'ONNX, opset {args.opset}' if args.format == 'onnx' else 'torch.export'
    size = f'{fixed[0]}x{fixed[1]}' if fixed else 'any height and width'
    if fixed is None:
        size += f' from {SMALLEST} to {LARGEST} pixels'
    folded = ', folded' if args.fold else ''
    yield f'{done.path}: {kind}{folded}, {done.megabytes:.1f} MB, {weights}; any batch, {size}'
    what, one = ('', 'the output') if args.whole else (' over all levels', 'a level')
    yield f'largest difference from PyTorch{what} (tolerance {TOLERANCE:.0e}):'
    for difference in done.differences:
        shape = 'x'.join(map(str, difference.shape))
        yield (
            f'  {shape:>13}: {difference.absolute:.1e}, '
            f'{difference.relative:.1e} standard deviations of {one}'
        )

"""Writing a backbone to a file that needs none of this package's code."""

import logging
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional

import torch

from ...backbones.images import MIN_SIZE
from ...errors import ConfigError, ExportError
from ...utils.files import atomic_path, check_file
from .formats import DEFAULT_OPSET, FORMATS, NO_LABELS, Labels, check_packages
from .trace import LARGEST, Backbone, Size, trace
from .verify import TOLERANCE, Difference, compare, sizes_to_check


class Exported(NamedTuple):
    """A file that was written and checked.

    Args:
        path: Where it is.
        megabytes: Its size, in 1e6 bytes.
        differences: From the backbone, one for each size of images.
    """

    path: Path
    megabytes: float
    differences: List[Difference]


def export(
    backbone: Backbone,
    path: str,
    format: str = 'onnx',
    size: Optional[Size] = None,
    opset: int = DEFAULT_OPSET,
    labels: Labels = NO_LABELS,
) -> Exported:
    """Write a backbone to a file, read that again and compare it with the backbone.

    The file is there if all is well, and nothing is if not.

    Args:
        backbone: In eval mode, folded or not, float32 on a CPU; or a whole model of
            :mod:`hybrid_backbones.deploy.exporting.whole`.
        path: The file to write.
        format: ``'onnx'`` or ``'torch'``.
        size: Height and width that all images will have; None: any.
        opset: Version of ONNX's operators.
        labels: Names of the outputs, and what the file says of itself.

    Raises:
        ConfigError: A package is missing, or the size is too small or too large.
        OutputError: The file cannot be written.
        ExportError: The file's outputs are further than ``TOLERANCE`` from the backbone's.

    Example:
        >>> import tempfile
        >>> from hybrid_backbones import create_backbone, export
        >>> backbone = create_backbone('uniformer_xxs', out_indices=(0,)).eval()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     exported = export(backbone, f'{folder}/uniformer_xxs.pt2', format='torch')
        >>> exported.path.name, all(difference.fine for difference in exported.differences)
        ('uniformer_xxs.pt2', True)
    """
    check_packages(format)
    if size is not None and not all(MIN_SIZE <= side <= LARGEST for side in size):
        raise ConfigError(
            f'`size` must be {MIN_SIZE} to {LARGEST} pixels a side, got {size[0]}x{size[1]}'
        )
    check_file(path)
    with quiet():
        program = trace(backbone, size)
        return write_checked(program, backbone, Path(path), format, size, opset, labels)


def write_checked(
    program: torch.export.ExportedProgram,
    backbone: Backbone,
    path: Path,
    format: str,
    size: Optional[Size],
    opset: int,
    labels: Labels = NO_LABELS,
) -> Exported:
    """The second half of :func:`export`, of a backbone that is traced already."""
    kind = FORMATS[format]
    with atomic_path(path) as part:
        kind.write(program, part, opset, labels)
        sizes = sizes_to_check(size)
        differences = compare(kind.run(part), backbone, sizes, backbone.in_channels)
        worst = max(differences, key=lambda d: (not d.fine, d.relative))
        if not worst.fine:
            shape = 'x'.join(map(str, worst.shape))
            raise ExportError(
                f'{path} not written: for images {shape} it would be {worst.relative:.1e} standard '
                f'deviations of an output from PyTorch, more than {TOLERANCE:.0e}'
            )
        megabytes = part.stat().st_size / 1e6
    return Exported(path, megabytes, differences)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of exporters about their own insides."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(before)

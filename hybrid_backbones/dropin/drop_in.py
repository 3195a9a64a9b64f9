"""The whole way: read, decide, write, build, compare."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, Tuple

from mmengine.config import Config

from ..errors import ConfigError, as_config_error
from ..utils.files import atomic_path, check_file
from .changes import DropIn
from .plan import plan
from .render import MARK, config_text
from .source import Source, read_source
from .trial import Measured, image_sizes, measure, measure_somewhere, root_of
from .variants import Variant, find_variant


@dataclass(frozen=True)
class DroppedIn:
    """A config that was written.

    Args:
        path: Its file.
        plan: What was changed, and why.
        before: The old model's numbers; None where it cannot be built, or nothing was checked.
        after: The new model's; None where nothing was checked.
        size: Height and width of the image that both were measured with.
    """

    path: Path
    plan: DropIn
    before: Optional[Measured]
    after: Optional[Measured]
    size: Tuple[int, int]


def drop_in(
    config: str,
    backbone: str,
    *,
    out: Optional[str] = None,
    pretrained: Optional[str] = None,
    size: Optional[Tuple[int, int]] = None,
    skip_check: bool = False,
) -> DroppedIn:
    """Replace the backbone of a config: write a short config that inherits the old one.

    Args:
        config: A file, or ``mmdet::FOLDER/NAME.py`` of a library.
        backbone: Name of the new backbone.
        out: The file to write; the default is ``OLD-NAME_BACKBONE.py`` in the current folder.
        pretrained: Weights of the backbone: a file or a URL.
        size: Height and width of the image to run the new model on; the default is a pose
            model's own, else 256x320.
        skip_check: Write the config without running the new model.

    Raises:
        ConfigError: It cannot be done, or not be known what is right; no file is left.
        OutputError: The file cannot be written.
    """
    source = read_source(config)
    variant = _with_weights(find_variant(backbone, source.scope), pretrained)
    path = Path(out or f'{source.path.stem}_{variant.name}.py')
    _check_out(path, source)
    check_file(path)
    sizes = [size] if size else image_sizes(source.cfg)
    drop = plan(source, variant)
    before, after, used = None, None, sizes[0]
    with atomic_path(path) as part:
        new = write_config(drop, part)
        if not skip_check:
            with as_config_error(_does_not_run(source.name, variant.name)):
                model = root_of(new, drop.root)
                after, used = measure_somewhere(source.scope, model, sizes, compute=True)
    if not skip_check:
        before = _before(drop, used)
    return DroppedIn(path, drop, before, after, used)


def _does_not_run(name: str, variant: str) -> str:
    return (
        f'{name} does not run with {variant}: adapt the neck or head by hand; if an operator or '
        'package is missing here, use `skip_check=True`'
    )


def write_config(drop: DropIn, path: Path) -> Config:
    """Write the new config, and read it again.

    Raises:
        ConfigError: It cannot be read.
    """
    path.write_text(config_text(drop, path.parent), encoding='utf-8')
    with as_config_error(f'{drop.source.name}: the new config cannot be read'):
        return Config.fromfile(path)


def _with_weights(variant: Variant, pretrained: Optional[str]) -> Variant:
    if pretrained is None:
        return variant
    if '://' not in pretrained and not Path(pretrained).is_file():
        raise ConfigError(f'`pretrained`: no checkpoint file {pretrained}')
    return replace(variant, init_cfg=dict(type='Pretrained', checkpoint=pretrained))


def _check_out(out: Path, source: Source) -> None:
    """Only a file that was written by it is overwritten."""
    if out.suffix != '.py':
        raise ConfigError(f'`out` is a config: FILE.py, not {str(out)!r}')
    if not out.parent.is_dir():
        raise ConfigError(f'`out`: no folder {out.parent}')
    if out.is_dir():
        return  # check_file says it
    if out.exists() and out.resolve() == source.path:
        raise ConfigError(f'`out`: {out} is the old config itself')
    if out.exists() and MARK not in out.read_text(encoding='utf-8', errors='replace')[:1000]:
        raise ConfigError(f'`out`: {out} is there, and not from this tool: choose another name')


def _before(drop: DropIn, size: Tuple[int, int]) -> Optional[Measured]:
    """The old model's numbers, if it can be built here."""
    try:
        return measure(drop.source.scope, drop.model, size, compute=False)
    except Exception:  # a package of the old backbone may be missing
        return None

"""The whole way: read, decide, write, build, compare."""

import argparse
import os
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Iterator, Optional

from mmengine.config import Config

from ..errors import ConfigError
from ..openmmlab.torchvision import repair_torchvision
from .plan import DropIn, plan
from .render import MARK, config_text
from .source import Source, as_config_error, read_source
from .trial import Measured, measure, measure_somewhere, picture_sizes, root_of, table
from .variants import Variant, find_variant


def drop_in(args: argparse.Namespace) -> Path:
    """Write the config that ``tools/drop_in.py``'s arguments say, and print what has changed.

    Returns:
        The file.

    Raises:
        ConfigError: It cannot be done, or not be known what is right; no file is left.
    """
    repair_torchvision()
    source = read_source(args.config)
    variant = _with_weights(find_variant(args.backbone, source.scope), args.pretrained)
    out = Path(args.out or f'{source.path.stem}_{variant.name}.py')
    _check_out(out, source)
    sizes = [args.size] if args.size else picture_sizes(source.cfg)
    drop = plan(source, variant)
    with written(drop, out.parent) as (temporary, new):
        after, size = None, sizes[0]
        if not args.untried:
            with as_config_error(_does_not_run(source.name, variant.name)):
                model = root_of(new, drop.root)
                after, size = measure_somewhere(source.scope, model, sizes, compute=True)
        os.replace(temporary, out)
    before = None if args.untried else _before(drop, size)
    print(table(drop, before, after, size), end='')
    if args.untried:
        print('note: the new model was not tried')
    for note in drop.notes:
        print(f'note: {note}')
    print(f'wrote {out}')
    return out


def _does_not_run(name: str, variant: str) -> str:
    return (
        f'{name} does not run with {variant}: a neck or head needs a hand that knows it, or this '
        'machine lacks something (then --untried)'
    )


@contextmanager
def written(drop: DropIn, folder: Path) -> Iterator:
    """The new config as a temporary file in ``folder``, and as it is read from there."""
    text = config_text(drop, folder)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix='.drop_in_', suffix='.py')
    try:
        with os.fdopen(handle, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(temporary, 0o666 & ~_umask())
        with as_config_error(f'{drop.source.name}: the new config cannot be read'):
            new = Config.fromfile(temporary)
        yield Path(temporary), new
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _with_weights(variant: Variant, pretrained: Optional[str]) -> Variant:
    if pretrained is None:
        return variant
    if '://' not in pretrained and not Path(pretrained).is_file():
        raise ConfigError(f'--pretrained: no checkpoint file {pretrained}')
    return replace(variant, init_cfg=dict(type='Pretrained', checkpoint=pretrained))


def _check_out(out: Path, source: Source) -> None:
    """Only a file that this tool wrote is written over."""
    if out.suffix != '.py':
        raise ConfigError(f'-o writes a config: FILE.py, not {str(out)!r}')
    if not out.parent.is_dir():
        raise ConfigError(f'-o: no folder {out.parent}')
    if out.exists() and out.resolve() == source.path:
        raise ConfigError(f'-o: {out} is the old config itself')
    if out.exists() and MARK not in out.read_text(encoding='utf-8', errors='replace')[:1000]:
        raise ConfigError(f'-o: {out} is there, and not from this tool: choose another name')


def _before(drop: DropIn, size) -> Optional[Measured]:
    """The old model's numbers, if it can be built here."""
    try:
        return measure(drop.source.scope, drop.model, size, compute=False)
    except Exception:  # a package of the old backbone may be missing
        return None

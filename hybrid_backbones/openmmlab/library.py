"""The four libraries: which one a config is for, and importing it."""

from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Iterator

from mmengine.config import Config
from mmengine.registry import DefaultScope

from ..errors import ConfigError
from .announce import announce, silently
from .repairs import repair, repair_circles

LIBRARIES = ('mmdet', 'mmseg', 'mmpose', 'mmpretrain')


def library_of(cfg: Config, name: str = '') -> str:
    """The library that a config is for, one of ``LIBRARIES``.

    Args:
        cfg: As read from its file.
        name: Of the config, for the message.

    Raises:
        ConfigError: It is for another library, or names none.
    """
    library = cfg.get('default_scope')
    if library not in LIBRARIES:
        where = f'{name}: ' if name else ''
        raise ConfigError(
            f'{where}default_scope must be one of {", ".join(LIBRARIES)}, got {library!r}'
        )
    return str(library)


def prepare_libraries() -> None:
    """Before a library is imported: serve what is not compiled, and repair what is broken.

    ``mmcv.ops`` is served without compiling where there is mmcv without a compiled extension
    (``docs/operators.md``). It prints nothing.
    """
    repair()
    if find_spec('mmcv') is not None:
        with silently():
            import_module('.operators', __package__)


def announce_operators() -> None:
    """Log by what ``mmcv.ops`` is served, where there is mmcv."""
    if find_spec('mmcv') is not None:
        prepare_libraries()
        announce(import_module('.operators', __package__).describe_operators())


def import_library(library: str) -> None:
    """Import all of a library that its configs can name, and leave the default scope as it is.

    Args:
        library: One of ``LIBRARIES``.

    Raises:
        ImportError: It is not installed, or a package that it needs is not.
    """
    prepare_libraries()
    import_module(f'{library}.utils').register_all_modules(init_default_scope=False)
    if library == 'mmpose':
        repair_circles()


@contextmanager
def in_scope(library: str) -> Iterator[None]:
    """Import a library; inside, names without a prefix are the library's."""
    import_library(library)
    with DefaultScope.overwrite_default_scope(library):
        yield

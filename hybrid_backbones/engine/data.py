"""The data of a config, looked at before a training or test begins."""

from typing import List, Tuple

from mmengine.config import Config

from ..data_check import check_files
from ..errors import ConfigError
from .process_group import is_first_process

MORE = '`hybrid-backbones check-dataset` lists all'


def check_data_quickly(cfg: Config, parts: Tuple[str, ...], images: bool = True) -> List[str]:
    """Read annotations whole, and the headers of a few images, in the first process of a run.

    Args:
        cfg: As :func:`hybrid_backbones.engine.prepare.prepare` gives it.
        parts: The dataloaders that will be used.
        images: Look at images too.

    Returns:
        Lines for the log: faults that training and evaluation pass over.

    Raises:
        ConfigError: Something would end the run later, or make it mean something else.
    """
    if not is_first_process():  # the others end with it
        return []
    report = check_files(cfg, parts, images=images)
    fatal = [problem for problem in report.problems if not problem.harmless]
    if fatal:
        others = f'; and {len(fatal) - 1} more' if len(fatal) > 1 else ''
        raise ConfigError(f'{fatal[0]}{others}: {MORE}; `data_check=False` begins without looking')
    if not report.problems:
        return report.unchecked
    first, count = report.problems[0], len(report.problems)
    line = f'{count} faults of the data that do no harm, such as {first}: {MORE}'
    return [*report.unchecked, line]

"""The command of a run, by the launcher of its study."""

from typing import List

from ..study import Study
from . import local, slurm, torchrun

NAMES = dict(local=local.NAME, torchrun=torchrun.NAME, slurm=slurm.NAME)


def launcher_name(study: Study) -> str:
    """The launcher as ``train`` and ``test`` take it."""
    return NAMES[study.launcher]


def command_of(study: Study, arguments: List[str]) -> List[str]:
    """The whole command that runs ``hybrid-backbones`` with some arguments."""
    if study.launcher == 'torchrun':
        return torchrun.command(arguments, study.gpus)
    if study.launcher == 'slurm':
        return slurm.command(arguments, study)
    return local.command(arguments)

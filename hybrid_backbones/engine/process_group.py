"""The end of a training or test in several processes."""

import os
from typing import Mapping

import torch


def leave_process_group() -> None:
    """Take this process out of the group, once all are here.

    Without it processes exit one after the other, while the threads of gloo or NCCL in those that
    still run see connections break; now and then such a thread aborts its process, and torchrun
    reports a finished training as failed. Not for a process that fails: the others may be anywhere.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def is_first_process(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is the first process of a run, before they are grouped.

    Args:
        environment: Of torchrun, Slurm or MPI, which number processes in it; without them there is
            one process.
    """
    ranks = [environment.get(key) for key in ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK')]
    return next((rank for rank in ranks if rank), '0') == '0'

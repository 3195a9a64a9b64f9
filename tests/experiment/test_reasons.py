"""Why a run failed, told from its status and its last words."""

import pytest

from hybrid_backbones.experiment.reasons import how_it_ended, shell_status

TRAIN = 'hybrid-backbones train'
CUDA = (
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total '
    'capacity of 23.64 GiB'
)
CPU = (
    "RuntimeError: [enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't "
    'allocate memory: you tried to allocate 40000000000 bytes. Error code 12'
)
TORCHRUN = """\
[rank0]: Traceback (most recent call last):
[rank0]:   File "x.py", line 3, in <module>
[rank0]: ValueError: a bad thing
Traceback (most recent call last):
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
Root Cause (first observed failure):
"""


@pytest.mark.parametrize(
    'status, output, kind, part',
    [
        (0, 'anything', 'done', ''),
        (1, f'Traceback\n{CUDA}\n', 'out of memory', 'Tried to allocate 2.00 GiB'),
        (1, f'Traceback\n{CPU}\n', 'out of memory', 'DefaultCPUAllocator'),
        (1, 'Traceback\nMemoryError\n', 'out of memory', 'MemoryError'),
        (1, 'OSError: [Errno 12] Cannot allocate memory', 'out of memory', 'Errno 12'),
        (137, 'Iter(train) [5/30]', 'killed', 'by the kernel for want of memory'),
        (139, 'Iter(train) [5/30]', 'killed', 'by SIGSEGV'),
        (143, f'{TRAIN}: stopped by SIGTERM after iteration 5; saved x', 'stopped', 'by SIGTERM'),
        (138, 'nothing', 'killed', 'by SIGUSR1'),
        (2, f'{TRAIN}: the losses are not finite at iteration 3 (loss nan)', 'diverged', 'nan'),
        (2, f'{TRAIN}: the weights are not finite after iteration 3', 'diverged', 'iteration 3'),
        (2, f'{TRAIN}: cannot write /a/b.pth: No space left on device', 'disk', 'No space'),
        (2, f'{TRAIN}: data/x not found: the data of train_dataloader is', 'data', 'data/x'),
        (2, f'{TRAIN}: no checkpoint file pretrained/a.pth: open x', 'weights', 'a.pth'),
        (2, f"{TRAIN} needs MMDetection: pip install 'a'", 'missing package', 'MMDetection'),
        (2, f'{TRAIN}: `amp` on a CPU computes in bfloat16, and', 'refused', 'in bfloat16'),
        (1, 'Traceback (most recent call last):\nKeyError: 3\n', 'crashed', 'KeyError: 3'),
        (1, TORCHRUN, 'crashed', 'ValueError: a bad thing'),
        (1, '', 'crashed', 'exit status 1'),
    ],
)
def test_kinds(status, output, kind, part):
    found, reason = how_it_ended(status, output)
    assert found == kind
    assert part in reason and '\n' not in reason


def test_a_refusal_among_other_lines():
    """mmengine logs before and torchrun after."""
    output = f'log\n{TRAIN}: the config is wrong\nE0101 failed (exitcode: 2)\n'
    assert how_it_ended(1, output) == ('refused', 'the config is wrong')


def test_words_of_an_earlier_part_do_not_count():
    """A log may hold a config with any words."""
    long = 'x' * 100 + '\n'
    assert how_it_ended(1, f'{CUDA}\n' + 1000 * long + 'KeyError: 3')[0] == 'crashed'


def test_statuses():
    assert (shell_status(-9), shell_status(2), shell_status(0)) == (137, 2, 0)

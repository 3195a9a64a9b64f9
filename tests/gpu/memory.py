"""What a training step takes, by arithmetic and as the device's allocator says."""

from typing import NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from hybrid_backbones import create_backbone
from hybrid_backbones.analysis.training_memory.estimate import AVERAGES, USABLE
from hybrid_backbones.analysis.training_memory.saved_tensors import SavedTensors
from hybrid_backbones.analysis.training_memory.simulated_gpu import SimulatedCUDA
from tests.gpu.compare import Precision, mixed

SLACK = 1024  # bytes, and
MORE = 1.02  # of tests/analysis/training_memory/test_training_memory.py::test_as_measured


class Predicted(NamedTuple):
    """Bytes, by arithmetic alone.

    Args:
        weights: Parameters and buffers.
        learnt: Parameters.
        kept: For the backward pass, without the images.
        out: The levels.
    """

    weights: int
    learnt: int
    kept: int
    out: int

    @property
    def at_least(self) -> int:
        """What is there when the backward pass begins, with AdamW's averages."""
        return self.weights + AVERAGES['AdamW'] * self.learnt + self.kept

    @property
    def at_most(self) -> int:
        """What ``training-memory`` wants a card to have for it."""
        return int((self.at_least + self.learnt) / USABLE)


def predicted(name: str, shape: Tuple[int, ...], low: Optional[torch.dtype] = None) -> Predicted:
    """Of a backbone and images of a shape, as :func:`training_memory` counts them.

    Args:
        name: Of the backbone.
        shape: ``(N, 3, H, W)``.
        low: The type of mixed precision; None: fp32.
    """
    with torch.device('meta'):
        backbone = create_backbone(name).train()
        image = torch.empty(shape)
    saved = SavedTensors(backbone)
    with saved.counting(), SimulatedCUDA(low):
        levels = backbone(image)
    learnt = sum(size_of(p) for p in backbone.parameters())
    return Predicted(
        weights=learnt + sum(map(size_of, backbone.buffers())),
        learnt=learnt,
        kept=saved.kept - size_of(image),
        out=sum(map(size_of, levels)),
    )


def size_of(x: Tensor) -> int:
    """Bytes of the memory that a tensor lies in."""
    return x.untyped_storage().nbytes()


def kept_by_forward(backbone: nn.Module, image: Tensor, precision: Precision) -> int:
    """Bytes that torch has allocated and not freed when a forward pass ends, the levels too."""

    def forward():
        with mixed(str(image.device), precision):
            return backbone(image)

    forward()  # what is made once is not of this pass
    if image.device.type == 'cuda':
        before = requested()
        levels = forward()
        return requested() - before if levels else 0
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        levels = forward()
    assert levels
    return sum(event.self_cpu_memory_usage for event in profiler.events())


def requested() -> int:
    """Bytes on the GPU as they were asked for: the allocator rounds each tensor's up to 512."""
    torch.cuda.synchronize()
    return torch.cuda.memory_stats()['requested_bytes.all.current']


def wrong_of_kept(counted: Predicted, measured: int) -> str:
    """What is wrong with the prediction; empty if nothing is."""
    most = MORE * (counted.kept + counted.out)
    if counted.kept <= measured + SLACK and measured <= most:
        return ''
    return f'{counted.kept} bytes are counted, {measured} measured, with levels at most {most:.0f}'


class CudaMeter:
    """Bytes that torch has allocated on the GPU."""

    @staticmethod
    def now() -> int:
        return torch.cuda.memory_allocated()

    @staticmethod
    def reset() -> None:
        torch.cuda.reset_peak_memory_stats()

    @staticmethod
    def peak() -> int:
        return torch.cuda.max_memory_allocated()


def peak_of_step(
    name: str, shape: Tuple[int, ...], precision: Precision, device: str = 'cuda', meter=CudaMeter
) -> int:
    """Most bytes that are allocated in a training step with AdamW, but for the images."""
    image = torch.randn(shape).to(device)
    before = meter.now()
    backbone = create_backbone(name).to(device).train()
    optimizer = torch.optim.AdamW(backbone.parameters())

    def step():
        optimizer.zero_grad(set_to_none=True)
        with mixed(device, precision):
            levels = backbone(image)
        sum(level.float().square().mean() for level in levels).backward()
        optimizer.step()

    step()  # which makes the averages
    meter.reset()
    step()
    return meter.peak() - before


def wrong_of_peak(counted: Predicted, peak: int) -> str:
    """The same of a whole step's peak."""
    if counted.at_least <= peak <= counted.at_most:
        return ''
    return f'{counted.at_least} to {counted.at_most} bytes are predicted, the peak is {peak}'

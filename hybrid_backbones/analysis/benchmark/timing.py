"""Timing of networks in alternation, and of the machine's matrix products."""

import math
import statistics
import time
from dataclasses import dataclass
from typing import Callable, Dict, List, Mapping, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import ConfigError
from .networks import tensors

Clock = Callable[[], float]

MATMUL_SIZES = {'cpu': (1024, 2048), 'cuda': (4096, 8192)}
MATMUL_REPEATS = 8
LONG = 0.5  # seconds of a matrix product that is large enough
LEAST_TURNS = 2  # that are timed, however long they take


@dataclass(frozen=True)
class Times:
    """Seconds of one network's calls, in the order they were made."""

    seconds: Tuple[float, ...]

    @property
    def median(self) -> float:
        """In seconds."""
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        """The shortest time, in seconds, that at least 95 % of the calls did not exceed."""
        return sorted(self.seconds)[math.ceil(0.95 * len(self.seconds)) - 1]


class Step:
    """One inference, or one training step without an optimiser.

    Args:
        module: In the right mode.
        image: ``(N, 3, H, W)``.
        training: Forward, sum of the mean squares of all that comes out, and backward.
    """

    def __init__(self, module: nn.Module, image: Tensor, training: bool):
        self.module = module
        self.image = image
        self.training = training

    def prepare(self) -> None:
        """What shall not be timed: forget the gradients, and wait for the device."""
        self.module.zero_grad(set_to_none=True)
        synchronise(self.image.device)

    def __call__(self) -> None:
        if self.training:
            levels = tensors(self.module(self.image))
            losses = [x.square().mean() for x in levels if x.requires_grad]
            if not losses:
                raise ConfigError('`what=training`: all weights are frozen, there is no gradient')
            sum(losses[1:], losses[0]).backward()
        else:
            with torch.inference_mode():
                self.module(self.image)
        synchronise(self.image.device)


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done what it was told; a CPU always has."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def enough(turns: int, seconds: float, limit: Optional[float]) -> bool:
    """Whether no other turn shall begin.

    Args:
        turns: That were timed.
        seconds: That they took.
        limit: Of seconds; None for none.
    """
    return limit is not None and turns >= LEAST_TURNS and seconds >= limit


def alternate(
    steps: Mapping[str, Step],
    repeats: int,
    warmup: int = 1,
    clock: Clock = time.perf_counter,
    limit: Optional[float] = None,
) -> Tuple[Dict[str, Times], List[str]]:
    """Time several networks in turn (A B A B ...): what slows the machine slows all of them.

    Args:
        steps: By the networks' names.
        repeats: Timed calls of each.
        warmup: Calls of each before, in the same turns.
        clock: Tells the time in seconds.
        limit: Of seconds, as :func:`enough` takes it.

    Returns:
        Times by name, and the names in the order in which the timed calls were made.
    """
    seconds: Dict[str, List[float]] = {name: [] for name in steps}
    order = []
    for turn in range(-warmup, repeats):
        if enough(turn, sum(map(sum, seconds.values())), limit):
            break
        for name, step in steps.items():
            step.prepare()
            start = clock()
            step()
            elapsed = clock() - start
            if turn >= 0:
                seconds[name].append(elapsed)
                order.append(name)
    return {name: Times(tuple(values)) for name, values in seconds.items()}, order


def pairwise_ratios(times: Times, reference: Times) -> Tuple[float, ...]:
    """Time over the reference's time in the same turn, for each turn."""
    return tuple(a / b for a, b in zip(times.seconds, reference.seconds))


def matmul_rate(dtype: torch.dtype, device: str, clock: Clock = time.perf_counter) -> float:
    """Operations per second (two a multiply-add) of the fastest of several matrix products.

    With torch's threads as they are, and by whichever of its libraries is the fastest: a CPU's
    convolutions are not computed by what multiplies its matrices. It is what a network could reach
    at most, but for convolutions by algorithms that need fewer operations.
    """
    best = 0.0
    for size in MATMUL_SIZES[device]:
        a = torch.randn(size, size).to(device, dtype)
        b = torch.randn(size, size).to(device, dtype)
        fastest = min(_seconds_of_product(product, a, b, clock) for product in PRODUCTS[device])
        best = max(best, 2 * size**3 / fastest)
        if fastest > LONG:
            break
    return best


def _as_convolution(a: Tensor, b: Tensor) -> Tensor:
    """The product of two square matrices, the second one transposed, by a 1x1 convolution."""
    with torch.no_grad():
        return F.conv2d(a.t()[None, :, None], b[:, :, None, None])


Product = Callable[[Tensor, Tensor], Tensor]
PRODUCTS: Dict[str, Tuple[Product, ...]] = dict(
    cpu=(torch.matmul, _as_convolution), cuda=(torch.matmul,)
)


def _seconds_of_product(product: Product, a: Tensor, b: Tensor, clock: Clock) -> float:
    seconds = []
    for turn in range(-1, MATMUL_REPEATS):
        synchronise(a.device)
        start = clock()
        product(a, b)
        synchronise(a.device)
        if turn >= 0:
            seconds.append(clock() - start)
    return min(seconds)

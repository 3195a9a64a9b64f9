"""A network on a device beside the same on the CPU in fp32: how far off, and how far may it be.

The tolerances come from the CPU itself. With this module's networks, weights and images (all 27
backbones), what a CPU computes in a type was held against float64; ``MEASURED`` has the furthest.
A GPU rounds as often and to the same types, but adds in another order, and its convolutions may
transform (Winograd), which costs up to two bits more: ``MARGIN`` times what a CPU's rounding does
is allowed. In fp32 a mistake is orders of magnitude larger; TF32 rounds 2**13 times as coarsely. In
fp16 layers and kernels go the same ways as in bf16, which is eight times as coarse and would not
show a score that is a fifth too small.

``test_on_cpu.py`` runs all of it on the CPU, and the whole measurement too.
"""

import copy
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tests.deploy.randomise import randomise

SIZE = (64, 96)  # no multiple of HRFormer's windows, and other than TransXNet's trained size
BATCH = 2
MARGIN = 4.0
RELUS = (F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)
PROJECTIONS = ('qkv', 'q', 'k', 'v', 'kv', 'proj')
POSITIONS = ('rel_pos_bias', 'rel_pos.table')
POOLING = ('kernel_size', 'stride', 'padding')


class Precision(NamedTuple):
    """How a network is run.

    Args:
        weights: Type of weights and images.
        autocast: Type of matrix products and convolutions in mixed precision; None: as they come.
        scale: On the gradients of the levels: fp16 ends at 65504.
    """

    weights: torch.dtype = torch.float32
    autocast: Optional[torch.dtype] = None
    scale: float = 1.0


PRECISIONS = {
    'fp32': Precision(),
    'bf16 autocast': Precision(autocast=torch.bfloat16),
    'bf16': Precision(torch.bfloat16),
    'fp16 autocast': Precision(autocast=torch.float16, scale=2**-7),
}


@dataclass(frozen=True)
class Distance:
    """How far a network is from another, in parts of what the other computes.

    Args:
        levels: The furthest level: root mean square of the difference, over the level's standard
            deviation.
        gradients: The same of all gradients of weights together, over their root mean square.
        parameter: The furthest gradient of one weight, over its root mean square, or over the
            median of all weights' where that is larger: some are zero but for rounding, as that of
            a key's bias is.
    """

    levels: float
    gradients: float
    parameter: float

    def exceeds(self, limit: 'Distance') -> List[str]:
        """What is further off than a limit, in words; also what is no number."""
        return [
            f'{name} are off by {found:.1e}, more than {most:.1e}'
            for name, found, most in zip(vars(self), vars(self).values(), vars(limit).values())
            if not found <= most
        ]


MEASURED = {
    'fp32': Distance(levels=2.1e-6, gradients=1.1e-6, parameter=5.3e-5),
    'bf16 autocast': Distance(levels=2.2e-2, gradients=2.0e-2, parameter=1.6e-1),
    'bf16': Distance(levels=2.9e-2, gradients=2.5e-2, parameter=1.6e-1),
    'fp16 autocast': Distance(levels=2.9e-3, gradients=2.6e-3, parameter=6.5e-3),
}


def limit_of(precision: str, margin: float = MARGIN) -> Distance:
    """How far a backbone may be off in a precision."""
    return Distance(*(margin * each for each in vars(MEASURED[precision]).values()))


class Result(NamedTuple):
    """Levels, and gradients of the weights by name; in float64 on the CPU, to be compared."""

    levels: Tuple[Tensor, ...]
    gradients: Dict[str, Tensor]


class Case:
    """A backbone with weights that matter, images, and gradients for its levels, on the CPU.

    In evaluation mode: BatchNorms with statistics of few images would magnify each rounding tens of
    times.

    Args:
        backbone: Whose norms, scales and attention are drawn anew.
    """

    def __init__(self, backbone: nn.Module, size: Tuple[int, int] = SIZE):
        torch.manual_seed(0)
        self.backbone = with_attention(randomise(backbone)).eval()
        self.image = torch.randn(BATCH, 3, *size)
        self.choices = Choices()
        with torch.no_grad(), self.choices:
            self.cotangents = [torch.randn_like(level) for level in backbone(self.image)]

    def run(
        self,
        device: str,
        precision: Precision = PRECISIONS['fp32'],
        wrap: Optional[Callable[[nn.Module], Callable]] = None,
    ) -> Result:
        """Levels and gradients of a copy on a device.

        Where a network chooses tokens by their scores, it takes those that the CPU's fp32 chose: a
        rounding would swap two that are as good. The levels are of the network as it is. For the
        gradients it is without kinks: near zero a rounding puts a ReLU's input on the other side,
        where its gradient is another, which would hide all else in 16 bit.

        Args:
            device: Where.
            precision: How.
            wrap: What is called in place of the copy, as it is: with kinks and choices.
        """
        module = copy.deepcopy(self.backbone).to(device, precision.weights)
        image = self.image.to(device, precision.weights)
        if wrap:
            with mixed(device, precision):
                levels = outputs = wrap(module)(image)
        else:
            with torch.no_grad(), mixed(device, precision), self.choices.again():
                levels = module(image)
            with mixed(device, precision), self.choices.again(), Smooth():
                outputs = module(image)
        factors = (c.to(x) * precision.scale for c, x in zip(self.cotangents, outputs))
        torch.autograd.backward(outputs, list(factors))
        gradients = {
            name: numbers(parameter.grad) / precision.scale
            for name, parameter in module.named_parameters()
        }
        return Result(tuple(map(numbers, levels)), gradients)


@torch.no_grad()
def with_attention(backbone: nn.Module) -> nn.Module:
    """The same with scores of a deviation of about 1, in place.

    At first scores are close to zero and all tokens' weights alike: what is wrong with them would
    not be seen. Biases of positions may even be zero.
    """
    for name, module in backbone.named_modules():
        if 'attn' in name and name.rpartition('.')[2] in PROJECTIONS:
            module.weight.normal_(0, module.weight[0].numel() ** -0.5)
    for name, parameter in backbone.named_parameters():
        if name.endswith(POSITIONS):
            parameter.normal_()
    return backbone


def mixed(device: str, precision: Precision):
    """Automatic mixed precision, if the precision is such."""
    if precision.autocast is None:
        return nullcontext()
    return torch.autocast(torch.device(device).type, precision.autocast)


class Smooth(TorchFunctionMode):
    """Inside, functions with kinks have none: halves for ReLUs, means for maxima.

    A GELU is no help: Conformer's maps grow until it is as good as a ReLU.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in RELUS:
            return args[0] * 0.5
        if func in (F.max_pool2d, torch.max_pool2d):
            return F.avg_pool2d(*args[:4], **{k: v for k, v in kwargs.items() if k in POOLING})
        return func(*args, **kwargs)


class Choices(TorchFunctionMode):
    """Inside, orders of scores are noted, or are those that were noted before."""

    def __init__(self, noted: Optional[List[Tensor]] = None):
        super().__init__()
        self.noted: List[Tensor] = []
        self.left = noted

    def again(self) -> 'Choices':
        """The same choices once more, on whatever device."""
        return Choices(list(self.noted))

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is not Tensor.argsort:
            return func(*args, **(kwargs or {}))
        if self.left is None:
            self.noted.append(func(*args, **(kwargs or {})))
            return self.noted[-1]
        return self.left.pop(0).to(args[0].device)


def numbers(x: Tensor) -> Tensor:
    """For comparing."""
    return x.detach().cpu().double()


def rms(x: Tensor) -> float:
    """Root mean square."""
    return x.square().mean().sqrt().item()


def distance(found: Result, expected: Result) -> Distance:
    """How far ``found`` is from ``expected``."""
    assert [x.shape for x in found.levels] == [x.shape for x in expected.levels]
    assert found.gradients.keys() == expected.gradients.keys()
    levels = level_distances(found.levels, expected.levels)
    sizes = {name: rms(value) for name, value in expected.gradients.items()}
    usual = sorted(sizes.values())[len(sizes) // 2]
    off = {name: rms(value - expected.gradients[name]) for name, value in found.gradients.items()}
    count = {name: value.numel() for name, value in found.gradients.items()}
    total = sum(off[name] ** 2 * count[name] for name in off)
    whole = sum(sizes[name] ** 2 * count[name] for name in sizes)
    return Distance(
        levels=largest(levels),
        gradients=(total / whole) ** 0.5,
        parameter=largest(off[name] / max(sizes[name], usual) for name in off),
    )


def level_distances(found: Sequence[Tensor], expected: Sequence[Tensor]) -> List[float]:
    """Of each level, in standard deviations of the expected one."""
    pairs = [(numbers(a), numbers(b)) for a, b in zip(found, expected)]
    return [rms(a - b) / b.std().item() for a, b in pairs]


def largest(values) -> float:
    """The largest, which is no number if one is none: ``max`` would pass over it."""
    return torch.tensor(list(values), dtype=torch.float64).max().item()

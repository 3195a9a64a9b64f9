"""Compare the operators in plain torch with those that mmcv compiles, or else torchvision's.

    python tools/dev/compare_operators.py

Prints the rows of the table in docs/operators.md: the worst difference, and times in turns.
"""

import argparse
import importlib
import time
from contextlib import ExitStack
from unittest import mock

import torch

from hybrid_backbones.openmmlab.operators.extension import StandIn
from hybrid_backbones.openmmlab.operators.torchvision_kernels import load

MODULES = ('nms', 'roi_align', 'deform_conv', 'modulated_deform_conv', 'psa_mask')


def served(extension, function):
    """``function`` with ``mmcv.ops`` served by an extension module."""

    def call():
        with ExitStack() as stack:
            for name in MODULES:
                module = importlib.import_module(f'mmcv.ops.{name}')
                stack.enter_context(mock.patch.object(module, 'ext_module', extension))
            return function()

    return call


def cases():
    """Name, and a function that makes what is timed; its results are compared."""
    import mmcv.ops

    torch.manual_seed(0)
    corner = torch.rand(2000, 2) * torch.tensor([1200.0, 760.0])
    side = torch.rand(2000, 2).pow(2) * 400 + 8
    boxes, scores = torch.cat((corner, corner + side), 1), torch.rand(2000)
    image = torch.zeros(2000, 1)
    level = torch.randn(1, 256, 200, 304)

    yield 'nms, 2000 boxes', lambda: mmcv.ops.nms(boxes, scores, 0.7)
    yield 'soft_nms, 1000 boxes', lambda: mmcv.ops.soft_nms(boxes[:1000], scores[:1000])
    dets = torch.cat((boxes, scores[:, None]), 1)[:1000]
    yield 'nms_match, 1000 boxes', lambda: mmcv.ops.nms_match(dets, 0.5)
    for count in (200, 1000):
        small = boxes[:count].clone()  # the sizes that a pyramid sends to its level of stride 4
        small[:, 2:] = small[:, :2] + side[:count] / 408 * 104 + 8
        rois = torch.cat((image[:count], small), 1)
        for ratio in (0, 2):
            yield from differentiated(
                f'roi_align, {count} boxes, sampling {ratio}',
                lambda x, rois=rois, ratio=ratio: mmcv.ops.roi_align(x, rois, 7, 0.25, ratio),
                level,
            )
    x, weight = torch.randn(2, 128, 50, 76), torch.randn(128, 128, 3, 3)
    offset, mask = torch.randn(2, 18, 50, 76), torch.rand(2, 9, 50, 76)
    yield from differentiated(
        'deform_conv2d, 128 channels, 50 x 76',
        lambda *each: mmcv.ops.deform_conv2d(*each, 1, 1),
        x,
        offset,
        weight,
    )
    yield from differentiated(
        'modulated_deform_conv2d, the same',
        lambda x, o, m, w: mmcv.ops.modulated_deform_conv2d(x, o, m, w, None, 1, 1),
        x,
        offset,
        mask,
        weight,
    )
    maps = torch.randn(1, 15 * 15, 12, 12)
    psa_mask = importlib.import_module('mmcv.ops.psa_mask').psa_mask
    yield from differentiated('psa_mask, 15 x 15', lambda x: psa_mask(x, 0, (15, 15)), maps)


def differentiated(name, function, *tensors):
    """The forward pass, and the backward pass alone."""
    leaves = [each.clone().requires_grad_() for each in tensors]
    yield f'{name}, forward', lambda: function(*tensors)
    output = function(*leaves)
    seed = torch.randn_like(output)
    yield (
        f'{name}, backward',
        lambda: torch.autograd.grad(output, leaves, seed, retain_graph=True),
    )


def difference(found, expected) -> float:
    """The largest, as a share of the largest number of its tensor."""
    if isinstance(found, torch.Tensor):
        if found.shape != expected.shape:
            return float('inf')
        largest = expected.double().abs().max().item() if expected.numel() else 0
        return (found.double() - expected.double()).abs().max().item() / largest if largest else 0
    return max(map(difference, found, expected), default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=7)
    rounds = parser.parse_args().rounds
    extension = importlib.import_module('mmcv._ext')
    other = 'compiled'
    if isinstance(extension, StandIn):
        if load() is None:
            parser.error('there is neither a compiled mmcv nor torchvision to compare with')
        extension, other = StandIn(with_torchvision=True), 'torchvision'
    stand_in = StandIn(with_torchvision=False)
    print(f'torch {torch.__version__}, {torch.get_num_threads()} threads')
    print(f'| case | worst difference | {other} (ms) | plain (ms) | ratio |')
    print('| --- | ---: | ---: | ---: | ---: |')
    for name, function in cases():
        both = [served(each, function) for each in (extension, stand_in)]
        worst = difference(both[1](), both[0]())
        times = [[], []]
        for _ in range(rounds):
            for spent, call in zip(times, both):
                start = time.perf_counter()
                call()
                spent.append((time.perf_counter() - start) * 1000)
        compiled, plain = (sorted(each)[rounds // 2] for each in times)
        print(f'| {name} | {worst:.1g} | {compiled:.1f} | {plain:.1f} | {plain / compiled:.2f} |')


if __name__ == '__main__':
    main()

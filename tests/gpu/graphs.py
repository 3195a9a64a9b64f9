"""A forward pass captured as a CUDA graph, and replayed on other images."""

from typing import Callable, List, Sequence, Tuple

import torch
from torch import Tensor, nn

Outputs = Sequence[Tensor]
Capture = Callable[[Callable[[], Outputs]], Tuple[Callable[[], None], Outputs]]


def cuda_graph(call: Callable[[], Outputs]) -> Tuple[Callable[[], None], Outputs]:
    """What replays a call, and the tensors that a replay fills.

    Capturing raises a ``RuntimeError`` where the call waits for the GPU or copies from the CPU.
    """
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # as torch asks for: what is made once is made before
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = call()
    return graph.replay, outputs


def replayed(
    module: nn.Module, image: Tensor, other: Tensor, capture: Capture = cuda_graph
) -> Tuple[List[Tensor], List[Tensor]]:
    """Levels of ``other`` from a graph that was captured with ``image``, and as they should be."""
    place = image.clone()
    with torch.no_grad():
        replay, outputs = capture(lambda: module(place))
        place.copy_(other)
        replay()
        found = [level.clone() for level in outputs]
        return found, list(module(other))

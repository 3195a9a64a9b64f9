"""Whether what runs is being traced."""

import torch


def is_compiling() -> bool:
    """Whether torch.compile or torch.export is reading the code; False before torch 2.3."""
    check = getattr(torch.compiler, 'is_compiling', None)
    return check is not None and check()


def is_exporting() -> bool:
    """Whether torch.export is reading the code, where sizes are symbols; False before torch 2.6."""
    check = getattr(torch.compiler, 'is_exporting', None)
    return check is not None and check()


def needs_graph() -> bool:
    """Whether gradients or a graph are recorded, for which tensors must stay as they are."""
    return torch.is_grad_enabled() or is_compiling() or torch.jit.is_tracing()

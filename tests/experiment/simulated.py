"""Stands in a config for a card with little memory."""

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class LittleMemory(Hook):
    """Raises what torch does, for batches of more images than fit."""

    def __init__(self, most):
        self.most = most

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 1 and len(data_batch['inputs']) > self.most:
            raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB')

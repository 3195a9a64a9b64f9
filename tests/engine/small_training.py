"""A training of seconds by mmengine's Runner: a linear model on numbers."""

import multiprocessing

import torch
from mmengine.dataset import BaseDataset
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, MODELS
from mmengine.runner import Runner

from hybrid_backbones.engine.hooks.gradients import PendingGradientsHook
from hybrid_backbones.engine.hooks.losses import LossCheckHook
from hybrid_backbones.engine.hooks.reproducible import DataPositionHook, RandomStateHook
from hybrid_backbones.engine.seeded_batches import seed_batches


@DATASETS.register_module(force=True)
class Numbers(BaseDataset):
    """Number ``i`` with noise that is drawn when it is loaded."""

    def __init__(self, length=12):
        self.length = length
        super().__init__(lazy_init=True)

    def full_init(self):
        self._fully_initialized = True

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return dict(x=torch.randn(3) + index)


@MODELS.register_module(force=True)
class Linear(BaseModel):
    """With dropout, which draws too."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        self.norm = torch.nn.BatchNorm1d(2)

    def forward(self, x, mode='tensor'):
        x = x if isinstance(x, torch.Tensor) else torch.stack(x)
        out = self.norm(torch.nn.functional.dropout(self.linear(x), 0.5, self.training))
        return dict(loss=((out - 1) ** 2).mean()) if mode == 'loss' else out


def config(
    work_dir,
    iters=12,
    epochs=None,
    workers=0,
    sampler='InfiniteSampler',
    accumulate=1,
    **checkpoint,
):
    from mmengine.config import Config

    by_epoch = epochs is not None
    hook = dict(type='hybrid_backbones.CheckpointHook', by_epoch=by_epoch, interval=3, **checkpoint)
    cfg = Config(
        dict(
            model=dict(type='Linear'),
            work_dir=str(work_dir),
            train_dataloader=dict(
                batch_size=2,
                num_workers=workers,
                sampler=dict(type=sampler, shuffle=True),
                dataset=dict(type='Numbers'),
            ),
            train_cfg=dict(max_epochs=epochs, by_epoch=True)
            if by_epoch
            else dict(max_iters=iters, by_epoch=False),
            optim_wrapper=dict(
                optimizer=dict(type='AdamW', lr=0.01), accumulative_counts=accumulate
            ),
            param_scheduler=[dict(type='LinearLR', start_factor=0.1, end=9, by_epoch=False)],
            default_hooks=dict(checkpoint=hook),
            randomness=dict(seed=5),
            experiment_name=f'{work_dir.name}-{torch.randint(10**9, ()).item()}',
        )
    )
    if by_epoch:
        cfg.default_hooks.checkpoint.interval = 1
        cfg.train_dataloader.sampler.type = 'DefaultSampler'
    seed_batches(cfg)
    return cfg


class EndAt(Hook):
    """Save and raise after an iteration, as the StopHook does."""

    priority = 'VERY_LOW'

    def __init__(self, iteration):
        self.iteration = iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.iteration:
            hook = next(h for h in runner.hooks if hasattr(h, 'save_stopped'))
            hook.save_stopped(runner)
            raise KeyboardInterrupt


def train(cfg, *hooks):
    """Run, with the hooks that ``hybrid-backbones train`` adds; the weights."""
    runner = Runner.from_cfg(cfg)
    for hook in (
        RandomStateHook(),
        DataPositionHook(),
        PendingGradientsHook(),
        LossCheckHook(),
        *hooks,
    ):
        runner.register_hook(hook)
    try:
        runner.train()
    finally:
        for worker in multiprocessing.active_children():  # which torch would wait for
            worker.terminate()
    return {name: value.clone() for name, value in runner.model.state_dict().items()}

# As hrformer_80k.py, for 60k iterations and a batch of 16 (8 x 2).
_base_ = ['./hrformer_80k.py']

param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], end=60000),
]
train_cfg = dict(max_iters=60000, val_interval=6000)
default_hooks = dict(checkpoint=dict(interval=6000))
auto_scale_lr = dict(base_batch_size=16)

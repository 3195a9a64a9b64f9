# As hrformer_80k.py, for 150k iterations and a batch of 16 (8 x 2).
_base_ = ['./hrformer_80k.py']

param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], end=150000),
]
train_cfg = dict(max_iters=150000, val_interval=15000)
default_hooks = dict(checkpoint=dict(interval=15000))
auto_scale_lr = dict(base_batch_size=16)

# 600 epochs of AdamW with a cosine, as UniFormer's authors train the light variants: learning rate
# 4e-3 for a batch of 4096 (8 x 512), 30 epochs of warm-up. Averages of weights are tested and kept.
_base_ = ['./adamw_cosine_300e.py']

optim_wrapper = dict(optimizer=dict(lr=4e-3))
param_scheduler = [
    dict(_base_.param_scheduler[0], start_factor=2.5e-4, end=30),
    dict(_base_.param_scheduler[1], T_max=570, begin=30, end=600),
]
train_cfg = dict(max_epochs=600)
custom_hooks = [dict(type='EMAHook', momentum=1e-4)]
auto_scale_lr = dict(base_batch_size=4096)

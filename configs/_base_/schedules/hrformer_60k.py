# 60k iterations of AdamW with power 0.9 after the warm-up, as HRFormer trains OCR: learning rate
# 1e-4 for a batch of 16 (8 x 2); norms, biases and position tables are not decayed.
_base_ = ['mmseg::_base_/schedules/schedule_80k.py']

optimizer = None  # the base's
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys=dict(rel_pos_bias=dict(decay_mult=0.0)),
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1500),
    dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False, begin=1500, end=60000),
]
train_cfg = dict(max_iters=60000, val_interval=6000)
default_hooks = dict(checkpoint=dict(interval=6000, save_best='mIoU', max_keep_ckpts=2))
auto_scale_lr = dict(enable=False, base_batch_size=16)
# one batch norm for all GPUs, in the backbone too
sync_bn = 'torch'

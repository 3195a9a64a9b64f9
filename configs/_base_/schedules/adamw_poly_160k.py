# 160k iterations of AdamW, falling linearly, as UniFormer trains UperNet: learning rate 6e-5 for a
# batch of 16 (8 x 2).
_base_ = ['mmseg::_base_/schedules/schedule_160k.py']

optimizer = None  # the base's
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(norm_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1500),
    dict(type='PolyLR', power=1.0, eta_min=0.0, by_epoch=False, begin=1500, end=160000),
]
train_cfg = dict(val_interval=16000)
default_hooks = dict(checkpoint=dict(interval=16000, save_best='mIoU', max_keep_ckpts=2))
auto_scale_lr = dict(enable=False, base_batch_size=16)

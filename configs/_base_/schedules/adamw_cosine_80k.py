# 80k iterations of AdamW with a cosine, as UniFormer and TransXNet train Semantic FPN: learning
# rate 2e-4 for a batch of 32 (8 x 4).
_base_ = ['mmseg::_base_/schedules/schedule_80k.py']

optimizer = None  # the base's
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-4, betas=(0.9, 0.999), weight_decay=1e-4),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=1000),
    dict(
        type='CosineAnnealingLR', T_max=79000, eta_min=2e-12, by_epoch=False, begin=1000, end=80000
    ),
]
train_cfg = dict(val_interval=4000)
default_hooks = dict(checkpoint=dict(interval=4000, save_best='mIoU', max_keep_ckpts=2))
auto_scale_lr = dict(enable=False, base_batch_size=32)

# 12 epochs of AdamW, as UniFormer and TransXNet train Mask R-CNN: learning rate 1e-4 for a batch of
# 16 (8 x 2), a tenth of it after epochs 8 and 11. fp32; mixed precision with --amp.
_base_ = ['mmdet::_base_/schedules/schedule_1x.py']

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, betas=(0.9, 0.999), weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0),
)

# Top-down heatmaps on COCO keypoints at 256 x 192 pixels (height x width), 210 epochs, batch 8 x
# 32: all but the backbone. Heatmaps are a quarter of the input, with a sigma of 2 of their pixels.
_base_ = ['mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py']

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-4, betas=(0.9, 0.999), weight_decay=0.01),
)
train_dataloader = dict(batch_size=32)
auto_scale_lr = dict(enable=False, base_batch_size=256)
# one batch norm for all GPUs, in backbone and head
sync_bn = 'torch'

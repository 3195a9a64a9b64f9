# HRFormer-S, ImageNet-1K weights (top-1 81.2) as OpenMMLab converted them.
backbone = dict(
    type='hybrid_backbones.HRFormer',
    arch='small',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://download.openmmlab.com/mmpose/pretrain_models/'
        'hrformer_small-09516375_20220226.pth',
    ),
)
channels = [32, 64, 128, 256]

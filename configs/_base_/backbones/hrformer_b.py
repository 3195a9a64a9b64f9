# HRFormer-B, ImageNet-1K weights (top-1 82.8) as OpenMMLab converted them.
backbone = dict(
    type='hybrid_backbones.HRFormer',
    arch='base',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://download.openmmlab.com/mmpose/pretrain_models/'
        'hrformer_base-32815020_20220226.pth',
    ),
)
channels = [78, 156, 312, 624]

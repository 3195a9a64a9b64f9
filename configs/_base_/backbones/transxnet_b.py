# TransXNet-B, ImageNet-1K weights (top-1 84.6).
backbone = dict(
    type='hybrid_backbones.TransXNet',
    arch='b',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/LMMMEng/TransXNet/releases/download/v1.0/transx-b.pth.tar',
    ),
)
channels = [76, 152, 336, 672]

# TransXNet-T, ImageNet-1K weights (top-1 81.6).
backbone = dict(
    type='hybrid_backbones.TransXNet',
    arch='t',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/LMMMEng/TransXNet/releases/download/v1.0/transx-t.pth.tar',
    ),
)
channels = [48, 96, 224, 448]

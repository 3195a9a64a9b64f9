# TransXNet-S, ImageNet-1K weights (top-1 83.8).
backbone = dict(
    type='hybrid_backbones.TransXNet',
    arch='s',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/LMMMEng/TransXNet/releases/download/v1.0/transx-s.pth.tar',
    ),
)
channels = [64, 128, 320, 512]

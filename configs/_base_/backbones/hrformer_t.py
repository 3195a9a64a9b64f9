# HRFormer-T, ImageNet-1K weights (top-1 78.6). No direct download: save the file of
# https://1drv.ms/u/s!Ai-PFrdirDvwj1UXGB63dBVVOuLO?e=ZLOY7r under pretrained/.
backbone = dict(
    type='hybrid_backbones.HRFormer',
    arch='tiny',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='pretrained/hrt_tiny.pth',
    ),
)
channels = [18, 36, 72, 144]

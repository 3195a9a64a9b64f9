# UniFormer-XS, ImageNet-1K weights (top-1 82.0). No direct download: save the file of
# https://drive.google.com/file/d/1CwQ91fjuAu3Rhn3zV4vjAmQ8v36AfYPT under pretrained/.
backbone = dict(
    type='hybrid_backbones.UniFormer',
    arch='xs',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='pretrained/uniformer_xs_224.pth',
    ),
)
channels = [64, 128, 256, 512]

# UniFormer-XXS, ImageNet-1K weights (top-1 80.6). No direct download: save the file of
# https://drive.google.com/file/d/1Cw9r_3c30N-esFI8RFYa6rQXJrr1rAHY under pretrained/.
backbone = dict(
    type='hybrid_backbones.UniFormer',
    arch='xxs',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='pretrained/uniformer_xxs_224.pth',
    ),
)
channels = [56, 112, 224, 448]

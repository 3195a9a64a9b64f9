# Conformer-Ti/16, ImageNet-1K weights as OpenMMLab converted them (top-1 81.3).
backbone = dict(
    type='hybrid_backbones.Conformer',
    arch='tiny_patch16',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://download.openmmlab.com/mmclassification/v0/conformer/'
        'conformer-tiny-p16_3rdparty_8xb128_in1k_20211206-f6860372.pth',
    ),
)
channels = [64, 128, 256, 256]

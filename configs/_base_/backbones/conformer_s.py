# Conformer-S/16, ImageNet-1K weights as OpenMMLab converted them (top-1 83.3).
backbone = dict(
    type='hybrid_backbones.Conformer',
    arch='small_patch16',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://download.openmmlab.com/mmclassification/v0/conformer/'
        'conformer-small-p16_3rdparty_8xb128_in1k_20211206-3065dcf5.pth',
    ),
)
channels = [256, 512, 1024, 1024]

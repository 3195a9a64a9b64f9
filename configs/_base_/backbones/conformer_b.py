# Conformer-B/16, ImageNet-1K weights as OpenMMLab converted them (top-1 83.8).
backbone = dict(
    type='hybrid_backbones.Conformer',
    arch='base_patch16',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://download.openmmlab.com/mmclassification/v0/conformer/'
        'conformer-base-p16_3rdparty_8xb128_in1k_20211206-bfdf8637.pth',
    ),
)
channels = [384, 768, 1536, 1536]

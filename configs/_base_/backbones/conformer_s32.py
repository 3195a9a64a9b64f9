# Conformer-S/32, ImageNet-1K weights trained by OpenMMLab (top-1 82.0). The authors detect with
# their own file, which is not a direct download: hybrid_backbones.weights.PRETRAINED has its page.
backbone = dict(
    type='hybrid_backbones.Conformer',
    arch='small_patch32',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://download.openmmlab.com/mmclassification/v0/conformer/'
        'conformer-small-p32_8xb128_in1k_20211206-947a0816.pth',
    ),
)
channels = [256, 512, 1024, 1024]

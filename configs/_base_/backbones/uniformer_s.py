# UniFormer-S, ImageNet-1K weights without token labelling (top-1 82.9), as the authors use them
# downstream.
backbone = dict(
    type='hybrid_backbones.UniFormer',
    arch='small',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://huggingface.co/Sense-X/uniformer_image/resolve/main/'
        'uniformer_small_in1k.pth',
    ),
)
channels = [64, 128, 320, 512]

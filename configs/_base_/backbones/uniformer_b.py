# UniFormer-B, ImageNet-1K weights without token labelling (top-1 83.8), as the authors use them
# downstream.
backbone = dict(
    type='hybrid_backbones.UniFormer',
    arch='base',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://huggingface.co/Sense-X/uniformer_image/resolve/main/'
        'uniformer_base_in1k.pth',
    ),
)
channels = [64, 128, 320, 512]

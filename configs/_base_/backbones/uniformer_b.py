# UniFormer-B, ImageNet-1K weights without token labelling (top-1 83.8), as the authors use them
# downstream. Stage 3 in hybrid mode with windows of 14 is their choice for detection.
backbone = dict(
    type='hybrid_backbones.UniFormer',
    arch='base',
    stage3_attention='hybrid',
    window_size=14,
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://huggingface.co/Sense-X/uniformer_image/resolve/main/'
        'uniformer_base_in1k.pth',
    ),
)
channels = [64, 128, 320, 512]

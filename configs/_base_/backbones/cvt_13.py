# CvT-13, ImageNet-1K weights (top-1 81.6). The fourth level, of stride 32, is ours: it starts from
# random weights.
backbone = dict(
    type='hybrid_backbones.CvT',
    arch='13',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://huggingface.co/microsoft/cvt-13/resolve/main/pytorch_model.bin',
    ),
)
channels = [64, 192, 384, 384]

# CvT-21, ImageNet-1K weights (top-1 82.5). The fourth level, of stride 32, is ours: it starts from
# random weights.
backbone = dict(
    type='hybrid_backbones.CvT',
    arch='21',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://huggingface.co/microsoft/cvt-21/resolve/main/pytorch_model.bin',
    ),
)
channels = [64, 192, 384, 384]

"""What backbones expect of images."""

MIN_SIZE = 32  # pixels a side
# of ImageNet, with which all published weights were trained; RGB, pixels from 0 to 255
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)

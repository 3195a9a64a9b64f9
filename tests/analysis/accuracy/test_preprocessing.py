"""What a network sees of an image, against torchvision's transforms, which the authors use."""

import numpy as np
import pytest
import torch
from PIL import Image

from hybrid_backbones.analysis.accuracy.protocols import preprocessing_of
from hybrid_backbones.weights import PRETRAINED

IMAGES = ((300, 200), (201, 333), (64, 64), (500, 375), (224, 225))  # width and height


@pytest.mark.parametrize('size', IMAGES)
@pytest.mark.parametrize('file', ['hrt_small.pth', 'uniformer_small_tl_224.pth', 'cvt-13-384.bin'])
def test_as_torchvision(size, file):
    transforms = pytest.importorskip('torchvision.transforms')
    entry = next(each for each in PRETRAINED if each.file == file)
    prepare = preprocessing_of(entry.family, entry.arch, file)
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    image = Image.fromarray(pixels)
    theirs = transforms.Compose(
        [
            transforms.Resize(
                prepare.resize or (prepare.size, prepare.size),
                transforms.InterpolationMode.BICUBIC,
            ),
            transforms.CenterCrop(prepare.size),
            transforms.ToTensor(),
            transforms.Normalize(prepare.mean, prepare.std),
        ]
    )
    ours = prepare(image)
    assert ours.shape == (3, prepare.size, prepare.size)
    torch.testing.assert_close(ours, theirs(image))


def test_any_kind_of_image():
    for mode in ('L', 'RGBA', 'CMYK', 'P', '1'):
        out = preprocessing_of('CvT', '13')(Image.new('RGB', (80, 40), 'red').convert(mode))
        assert out.shape == (3, 224, 224) and out.isfinite().all()


@pytest.mark.parametrize(
    'file, size, resize',
    [
        ('Conformer_tiny_patch16.pth', 224, 256),
        ('conformer-small-p32_8xb128_in1k_20211206-947a0816.pth', 224, 256),
        ('transx-t.pth.tar', 224, 248),
        ('transx-b.pth.tar', 224, 235),
        ('transx-b-384.pth.tar', 384, 404),
        ('cvt-21.bin', 224, 256),
        ('cvt-w24-384-22k.bin', 384, None),
        ('uniformer_base_in1k.pth', 224, 256),
        ('uniformer_xxs_128.pth', 128, 146),
        ('uniformer_xs_192.pth', 192, 219),
        ('uniformer_large_ls_tl_384.pth', 384, 426),
        ('uniformer_small_plus_dim64_tl_224.pth', 224, 248),
        ('hrt_base.pth', 224, 256),
    ],
)
def test_sizes_by_file(file, size, resize):
    """Worked out by hand from the authors' code."""
    entry = next(each for each in PRETRAINED if each.file == file)
    found = preprocessing_of(entry.family, entry.arch, file)
    assert (found.size, found.resize) == (size, resize)


def test_size_by_hand():
    found = preprocessing_of('HRFormer', 'small', 'hrt_small.pth', size=288)
    assert (found.size, found.resize) == (288, 329)
    assert preprocessing_of('NewNet', 'a').assumed

"""Every tool with backbones that take images of four channels: it works, or refuses in a line."""

import pytest
import torch
from mmengine.config import Config

from hybrid_backbones import config_path, create_backbone, export, fold
from hybrid_backbones.analysis.benchmark.networks import build_network
from hybrid_backbones.analysis.benchmark.settings import Settings, make_ready
from hybrid_backbones.analysis.interpret.attention_maps import attention_map
from hybrid_backbones.analysis.interpret.feature_maps import feature_maps
from hybrid_backbones.analysis.interpret.receptive_field import receptive_field
from hybrid_backbones.analysis.interpret.visualize import features_figure, receptive_fields_figure
from hybrid_backbones.analysis.training_memory.estimate import training_memory
from hybrid_backbones.complexity import count_flops
from hybrid_backbones.complexity.model import model_cost
from hybrid_backbones.complexity.parts import describe_parts
from hybrid_backbones.dropin import drop_in
from hybrid_backbones.errors import ConfigError
from tests.parity import assert_level

# multiply-adds of one more channel in UniFormer's 4x4 patch embedding, at 64x64
ONE_CHANNEL = 16 * 16 * 64 * 4 * 4


@pytest.fixture(scope='module')
def backbone():
    torch.manual_seed(0)
    return create_backbone('cvt_13', in_channels=4, out_indices=(0, 1)).eval()


@pytest.fixture(scope='module')
def image():
    return torch.randn(2, 4, 65, 97, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def config(tmp_path):
    """A segmentor of images with four channels."""
    path = tmp_path / 'four.py'
    path.write_text(
        f'_base_ = [{config_path("semanticfpn_uniformer_s_80k_ade20k")!r}]\n'
        'model = dict(\n'
        '    backbone=dict(in_channels=4, init_cfg=None),\n'
        '    data_preprocessor=dict(mean=[128.0] * 4, std=[64.0] * 4, bgr_to_rgb=False),\n'
        ')\n'
    )
    return str(path)


def test_fold(backbone, image):
    folded = fold(backbone)
    assert folded.in_channels == 4
    with torch.inference_mode():
        for level, expected in zip(folded(image), backbone(image)):
            assert_level(level, expected)


@pytest.mark.parametrize('form', ['onnx', 'torch'])
def test_export(backbone, image, tmp_path, form):
    if form == 'onnx':
        pytest.importorskip('onnxruntime')
    path = tmp_path / f'four.{dict(onnx="onnx", torch="pt2")[form]}'
    done = export(backbone, str(path), format=form)
    assert all(difference.shape[1] == 4 for difference in done.differences)
    if form == 'torch':
        with torch.inference_mode():
            levels = torch.export.load(path).module()(image)
            for level, expected in zip(levels, backbone(image)):
                assert_level(level, expected)


def test_operations():
    three, four = (create_backbone('uniformer_small', in_channels=n) for n in (3, 4))
    assert count_flops(four, 64, 64) - count_flops(three, 64, 64) == ONE_CHANNEL
    parts = [describe_parts(b.eval().to('meta'), 64, 64)[0] for b in (three, four)]
    assert parts[1].flops - parts[0].flops == ONE_CHANNEL


def test_benchmark():
    network = build_network('uniformer_small', dict(in_channels=4))
    colour = build_network('uniformer_small')
    assert network.flops(64, 64) - colour.flops(64, 64) == ONE_CHANNEL
    settings = Settings('uniformer_xxs', dict(in_channels=4), size=(64, 64), mode='folded')
    module, images = make_ready(settings)
    assert images.shape == (1, 4, 64, 64)
    assert len(module(images)) == 4


def test_looking_inside(backbone, image):
    assert receptive_field(backbone, (64, 96), 0, samples=2).shape == (64, 96)
    assert receptive_field(backbone, (65, 97), 1, samples=2, images=image).shape == (65, 97)
    assert len(feature_maps(backbone, image[:1])) == 2
    assert attention_map(backbone, image[:1], 'stages.1.blocks.0', (0.5, 0.5)).weights.numel()


def test_files_of_images_are_in_colour(config, tmp_path):
    pytest.importorskip('matplotlib')
    pytest.importorskip('mmseg')
    message = 'image files are read as 3 channels, and this backbone takes 4'
    with pytest.raises(ConfigError, match=message):
        features_figure(config, size=(64, 64))
    assert receptive_fields_figure([config], size=(64, 64), samples=1).panels


def test_models(config):
    pytest.importorskip('mmseg')
    cfg = Config.fromfile(config)
    colour = Config.fromfile(config_path('semanticfpn_uniformer_s_80k_ade20k'))
    costs = [model_cost(c, (64, 64)) for c in (colour, cfg)]
    assert costs[1].flops - costs[0].flops == ONE_CHANNEL
    found = [training_memory(c, (64, 64)) for c in (colour, cfg)]
    assert found[1].gradients - found[0].gradients == 4 * (64 * 4 * 4)  # bytes
    assert found[1].backbone - found[0].backbone == 4 * (2 * 64 * 64)  # a channel of both images


def test_benchmark_of_a_model(config):
    pytest.importorskip('mmseg')
    module, images = make_ready(Settings(config, size=(64, 64)))
    assert images.shape == (1, 4, 64, 64)
    with torch.inference_mode():
        module(images)


def test_drop_in(tmp_path):
    pytest.importorskip('mmseg')
    path = tmp_path / 'four.py'
    path.write_text(
        "_base_ = ['mmseg::sem_fpn/fpn_r50_4xb4-160k_ade20k-512x512.py']\n"
        'model = dict(pretrained=None, backbone=dict(in_channels=4))\n'
    )
    with pytest.raises(ConfigError, match=r'four\.py: .*it has in_channels=4: write'):
        drop_in(str(path), 'uniformer_small', out=str(tmp_path / 'new.py'))
    assert not (tmp_path / 'new.py').exists()

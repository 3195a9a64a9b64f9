"""Bytes for training: by hand for small networks, as measured, and what recomputing changes."""

from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.profiler import ProfilerActivity, profile

from hybrid_backbones import backbones
from hybrid_backbones.analysis.training_memory.estimate import (
    GIB,
    USABLE,
    TrainingMemory,
    images_that_fit,
    training_memory,
    training_size,
)
from hybrid_backbones.analysis.training_memory.saved_tensors import (
    SavedTensors,
    follow_checkpointing,
)
from hybrid_backbones.analysis.training_memory.simulated_gpu import SimulatedCUDA
from hybrid_backbones.config.load import load_config
from hybrid_backbones.dropin import find_variant, plan, read_source
from hybrid_backbones.dropin.render import config_text
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.layers import scaled_dot_product_attention
from hybrid_backbones.zoo.configs import get_config
from tests.tools.commands import tool
from tests.versions import from_torch

FUSED = from_torch('2.2', 'has no fused attention on a CPU to compare with')
SMALL = {
    'Conformer': 'tiny_patch16',
    'CvT': '13',
    'HRFormer': 'tiny',
    'TransXNet': 't',
    'UniFormer': 'xxs',
}
FP32, BF16 = 4, 2  # bytes
N, SIDE = 2, 8
PIXELS = N * SIDE * SIDE


class Tiny(nn.Module):
    """What saves what is known: torch's formulas of the gradients."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.norm = nn.LayerNorm(8)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        x = F.gelu(self.fc(self.norm(x.permute(0, 2, 3, 1))))
        return x.sum()


def count(module, *inputs, low=None):
    saved = SavedTensors(module)
    with saved.counting(), SimulatedCUDA(low):
        output = module(*inputs)
    return saved, output


@pytest.mark.parametrize('device', ['cpu', 'meta'])
def test_by_hand(device):
    """Every map once: the norm's is the activation's own, permuted."""
    with torch.device(device):
        saved, _ = count(Tiny(), torch.empty(N, 3, SIDE, SIDE))
    expected = PIXELS * 3  # what the convolution took
    expected += PIXELS * 8 + 2 * 8  # the batch norm, with mean and deviation of each channel
    expected += PIXELS * 8  # what the ReLU gave, which the layer norm took
    expected += 2 * PIXELS  # mean and deviation of each position
    expected += PIXELS * 8  # what the linear layer took
    expected += PIXELS * 5  # what the GELU took
    assert saved.kept == saved.peak == FP32 * expected


def test_by_hand_in_mixed_precision():
    with torch.device('meta'):
        saved, _ = count(Tiny(), torch.empty(N, 3, SIDE, SIDE), low=torch.bfloat16)
    expected = BF16 * (PIXELS * 3 + 8 * 3 * 9)  # what the convolution took, and its weights' copy
    expected += BF16 * PIXELS * 8 + FP32 * 2 * 8  # the batch norm takes it as it is
    expected += BF16 * PIXELS * 8  # the ReLU's
    expected += FP32 * (PIXELS * 8 + 2 * PIXELS)  # the layer norm computes in fp32
    expected += BF16 * (PIXELS * 8 + 8 * 5)  # what the linear layer took, and its weights' copy
    expected += BF16 * PIXELS * 5  # the GELU's
    assert saved.kept == expected


def attention(d, bias, low=None):
    with torch.device('meta'):
        q, k, v = (torch.empty(N, 2, 6, d, requires_grad=True) for _ in range(3))
        table = torch.empty(2, 6, 6, requires_grad=True) if bias else None
        saved = SavedTensors(nn.Module())
        with saved.counting(), SimulatedCUDA(low):
            assert scaled_dot_product_attention(q, k, v, table).shape == q.shape
    return saved.kept


def test_attention():
    """Fused, no scores are kept: heads are padded to a multiple of 4 (8) channels for it."""
    rows = N * 2 * 6
    assert attention(8, bias=False) == FP32 * (4 * rows * 8 + rows)
    bias = 2 * 6 * 16  # in rows of 16
    assert attention(8, bias=True) == FP32 * (4 * rows * 8 + rows + bias)
    low = torch.bfloat16
    # the bias was cast to the type of q, which is cast to the low one then
    assert attention(8, False, low) == BF16 * 4 * rows * 8 + FP32 * rows
    assert attention(7, bias=False) == FP32 * (4 * rows * 8 + rows)
    assert attention(4, True, low) == BF16 * (4 * rows * 8 + bias) + FP32 * rows
    assert attention(4, False, low) == BF16 * 4 * rows * 8 + FP32 * rows  # padded to 8


@FUSED
@pytest.mark.parametrize('family', SMALL)
def test_as_measured(family):
    """What torch has allocated and not freed when the forward pass ends, by its own profiler.

    The levels that come out are allocated too, and mostly kept for nobody; the rest that is not
    counted is small (masks, cached tables, contiguous copies on the way out).
    """
    torch.manual_seed(0)
    backbone = getattr(backbones, family)(SMALL[family])
    image = torch.rand(2, 3, 96, 128)
    backbone(image)  # what is made once is not of this pass
    saved = SavedTensors(backbone)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        levels = backbone(image)
    measured = sum(event.self_cpu_memory_usage for event in profiler.events())
    del levels
    with saved.counting():
        levels = backbone(image)
    image_bytes = image.untyped_storage().nbytes()  # kept, but made before
    counted = saved.kept - image_bytes
    out = sum(level.untyped_storage().nbytes() for level in levels)
    assert counted <= measured + 1024
    assert measured <= 1.02 * (counted + out)


@FUSED
@pytest.mark.parametrize('family', SMALL)
def test_without_numbers_as_with_them(family):
    """The meta device keeps what the CPU keeps, where attention is fused there too."""
    options = {}
    if family == 'HRFormer':  # heads of 32 channels, and no table that learns
        options = dict(arch='small', with_rel_pos_bias=False)
    found = {}
    for device in ('cpu', 'meta'):
        with torch.device(device):
            backbone = getattr(backbones, family)(**{'arch': SMALL[family], **options})
            image = torch.empty(2, 3, 64, 96)
        saved = SavedTensors(backbone)
        with saved.counting(), SimulatedCUDA() if device == 'meta' else nullcontext():
            backbone(image)
        found[device] = saved.kept
    # a table of positions that learns keeps the CPU from fusing attention
    assert found['meta'] == pytest.approx(found['cpu'], rel=0.02 * (family == 'TransXNet'))


@from_torch('2.2', 'cannot recompute on the meta device')
def test_recomputing_keeps_what_torch_keeps():
    """Blocks without further arguments: torch's own checkpoints show what they keep."""
    with torch.device('meta'):
        backbone = backbones.UniFormer('small', with_cp=(1, 0, 8, 2))
        image = torch.empty(1, 3, 64, 96)
        real, _ = count(backbone, image)
        followed = SavedTensors(backbone)
        follow_checkpointing(backbone, followed)
        with followed.counting(), SimulatedCUDA():
            backbone(image)
    assert followed.kept == real.kept
    assert real.recomputed == 0 < followed.recomputed < followed.kept


def test_the_largest_recomputed_block():
    """Of two blocks, the larger one's inner maps are there besides the inputs of both."""
    with torch.device('meta'):
        backbone = backbones.CvT('13', out_indices=(0, 1), with_cp=True)
        image = torch.empty(1, 3, 64, 64)
        whole = backbones.CvT('13', out_indices=(0, 1))
        all_kept, _ = count(whole, image)
        saved = SavedTensors(backbone)
        follow_checkpointing(backbone, saved)
        with saved.counting(), SimulatedCUDA():
            backbone(image)
        block = whole.stages[0].blocks[0]  # on 16 x 16 positions of 64; the next on 8 x 8 of 192
        alone, _ = count(block, torch.empty(1, 256, 64, requires_grad=True), (16, 16))
    assert saved.kept < all_kept.kept / 3
    inputs = FP32 * 256 * 64
    assert saved.recomputed == pytest.approx(alone.kept - inputs, rel=0.3)
    assert saved.recomputed < all_kept.kept - saved.kept


def test_frozen_blocks_keep_nothing():
    found = {}
    for frozen in (-1, 0, 2, 4):
        for with_cp in (False, True):
            with torch.device('meta'):
                backbone = backbones.UniFormer('small', frozen_stages=frozen, with_cp=with_cp)
                saved = SavedTensors(backbone)
                follow_checkpointing(backbone, saved)
                with saved.counting(), SimulatedCUDA():
                    backbone(torch.empty(1, 3, 64, 96))
            found[frozen, with_cp] = saved.peak
    for with_cp in (False, True):
        peaks = [found[frozen, with_cp] for frozen in (-1, 0, 2, 4)]
        assert peaks == sorted(peaks, reverse=True)
        assert len(set(peaks)) == 4
    assert found[4, False] == found[4, True]


CONFIGS = [
    'maskrcnn_conformer_s32_1x',
    'cascademaskrcnn_uniformer_s_3x',
    'retinanet_uniformer_xxs_1x',
    'upernet_uniformer_xxs_160k_ade20k',
    pytest.param('ocr_hrformer_s_80k_cityscapes', marks=pytest.mark.slow),
    'topdown_cvt_13_210e_coco_256x192',
]


@pytest.mark.parametrize('name', CONFIGS)
def test_configs_of_all_kinds(name):
    """Twice the images keep twice as much; lower precision and recomputing keep less."""
    for library in ('mmdet', 'mmseg', 'mmpose'):
        pytest.importorskip(library)
    cfg = get_config(name)
    size = (64, 96)
    before = cfg.model.to_dict()
    two, four = (training_memory(cfg, size, n) for n in (2, 4))
    assert cfg.model.to_dict() == before
    assert two.fixed == four.fixed
    assert four.activations == pytest.approx(2 * two.activations, rel=0.05)
    assert four.rest > two.rest > 0
    assert two.total == two.weights + two.gradients + two.averages + two.backbone + two.rest
    assert two.averages == 2 * two.gradients <= 2 * two.weights
    low, more = (training_memory(cfg, size, n, 'bf16') for n in (2, 4))  # and copies of weights
    assert more.rest - low.rest < four.rest - two.rest
    assert more.backbone - low.backbone < 0.75 * (four.backbone - two.backbone)
    recomputed = training_memory(cfg, size, 2, with_cp=True)
    assert low.fixed == recomputed.fixed == two.fixed
    assert recomputed.rest >= two.rest  # levels that the backbone's own blocks had kept
    assert recomputed.backbone < two.backbone


def test_fixed_part_by_hand():
    """Parameters that learn have a gradient, and two averages in AdamW; buffers have neither."""
    pytest.importorskip('mmseg')
    cfg = get_config('semanticfpn_uniformer_xxs_80k_ade20k')
    cfg.model.backbone.frozen_stages = 4
    frozen = training_memory(cfg, (64, 64))
    cfg.model.backbone.frozen_stages = -1
    learning = training_memory(cfg, (64, 64))
    with torch.device('meta'):
        backbone = backbones.UniFormer('xxs')
    of_stages = sum(p.numel() for n, p in backbone.named_parameters() if 'out_norms' not in n)
    assert learning.gradients - frozen.gradients == FP32 * of_stages
    assert learning.weights == frozen.weights
    assert frozen.averages == 2 * frozen.gradients
    cfg.optim_wrapper.optimizer.type = 'SGD'
    assert training_memory(cfg, (64, 64)).averages == learning.gradients


def test_images_that_fit():
    """1 GiB fixed and 2 for each image: of 16 GiB three quarters can be used, which is 5 images."""
    few, more = (TrainingMemory(GIB, 0, 0, n * 2 * GIB, 0) for n in (2, 3))
    assert USABLE == 0.75
    assert [images_that_fit(few, more, card) for card in (16, 4, 3, 24)] == [5, 1, 0, 8]


@pytest.mark.slow
def test_tool(tmp_path):
    pytest.importorskip('mmdet')
    command = ('training_memory', 'retinanet_cvt_13_1x', '--size', '64x96', '--batch', '3')
    result = tool(tmp_path, *command, '--with-cp')
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        *('retinanet_cvt_13_1x:', '3', 'x', '64x96,', 'all', 'blocks', 'recomputed', 'fp32', 'bf16')
    ]
    assert lines[-1].startswith('total (GiB)')
    assert all(float(cell) > 0 for cell in lines[-1].split()[-2:])
    assert result.stderr == ''


@pytest.mark.slow
@pytest.mark.parametrize(
    'arguments, part',
    [
        (['gone.py'], 'no config file gone.py'),
        (['broken.py'], 'broken.py cannot be read'),
        (['retinanet_cvt_13_1x', '--batch', '0'], '--batch: must be a whole number of at least 1'),
        (['retinanet_cvt_13_1x', '--size', '64'], 'HEIGHTxWIDTH such as 800x1280'),
    ],
    ids=str,
)
def test_refusals(command, tmp_path, arguments, part):
    (tmp_path / 'broken.py').write_text('model = dict(')
    assert part in command('training-memory', *arguments).refusal


@pytest.mark.parametrize(
    'name, changes, size, batch, message',
    [
        ('retinanet_cvt_13_1x', {'model.backbone.type': 'ResNet'}, None, 2, 'got ResNet'),
        ('retinanet_cvt_13_1x', {'model.backbone.arch': '31'}, None, 2, "no arch '31'"),
        ('retinanet_cvt_13_1x', {'default_scope': 'mmengine'}, None, 2, "got 'mmengine'"),
        ('retinanet_cvt_13_1x', {}, (16, 16), 2, 'H and W of at least 32'),
        ('retinanet_transxnet_t_1x', {}, (64, 64), 1, 'at least 2 images'),
    ],
)
def test_what_cannot_be_counted(name, changes, size, batch, message):
    pytest.importorskip('mmdet')
    cfg = get_config(name)
    cfg.merge_from_dict(changes)
    with pytest.raises(ConfigError, match=message):
        training_memory(cfg, size, batch)


def written_by_drop_in(name, folder):
    pytest.importorskip('mmdet')
    source = read_source(name)
    path = folder / 'mine.py'
    drop = plan(source, find_variant('uniformer_xxs', source.scope))
    path.write_text(config_text(drop, folder))
    return load_config(str(path))


def test_what_drop_in_writes(tmp_path):
    """At the size that the pipeline pads to; RTMDet's neck takes no others."""
    cfg = written_by_drop_in('mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py', tmp_path)
    assert training_size(cfg) == (640, 640)
    assert training_memory(cfg).activations > 0
    with pytest.raises(ConfigError, match=r'images of 800x1333: .* with `size=800x1344` it may be'):
        training_memory(cfg, size=(800, 1333))
    assert training_memory(cfg, size=(800, 1344)).activations > 0


def test_what_cannot_be_followed(tmp_path):
    cfg = written_by_drop_in('mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py', tmp_path)
    with pytest.raises(ConfigError, match='neck and heads of DINO cannot be followed') as error:
        training_memory(cfg, size=(320, 320))
    assert '\n' not in str(error.value)

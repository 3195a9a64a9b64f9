"""``hybrid-backbones visualize``: images are written, bad input is refused in one line."""

import cv2
import numpy as np
import pytest
import torch

from hybrid_backbones import UniFormer
from hybrid_backbones.analysis.interpret.images import read_image
from hybrid_backbones.backbones.images import IMAGENET_MEAN, IMAGENET_STD
from tests.tools.commands import PROJECT

pytest.importorskip('matplotlib')
PHOTO = PROJECT / 'tests/reference/real/coco/images/000000000785.jpg'


@pytest.fixture
def here(command):
    return lambda *arguments: command('visualize', *arguments)


def colours(path):
    """How many different ones there are, a crude word for whether something is drawn."""
    image = cv2.imread(str(path))
    assert image is not None, path
    return len(np.unique(image.reshape(-1, 3), axis=0))


def test_features(here, tmp_path):
    """A detector's checkpoint of ours, and a photograph."""
    backbone = UniFormer('xxs')
    state = {f'backbone.{name}': value for name, value in backbone.state_dict().items()}
    state['neck.lateral_convs.0.conv.weight'] = torch.zeros(1)
    torch.save(dict(state_dict=state, meta=dict(epoch=1)), tmp_path / 'epoch_1.pth')
    options = ['--image', PHOTO, '--weights', 'epoch_1.pth', '--size', '64x96', '--out', 'a/b.png']
    status, out, err = here('features', 'uniformer_xxs', *options)
    assert status == 0, err
    assert 'written: a/b.png' in out
    assert colours(tmp_path / 'a' / 'b.png') > 1000
    assert [path.name for path in (tmp_path / 'a').iterdir()] == ['b.png']


def test_erf(here, tmp_path):
    sizes = ['--size', '64x64', '--samples', '1']
    status, out, _ = here('erf', 'hrformer_t', 'uniformer_xxs', *sizes)
    assert status == 0
    for part in ('hrformer_t, level 3, stride 32', 'uniformer_xxs', '20% in', '99% in'):
        assert part in out
    assert colours(tmp_path / 'work_dirs/visualize/erf_hrformer_t_uniformer_xxs.png') > 100
    status, out, _ = here('erf', 'hrformer_t', *sizes, '--level', 0, '--image', PHOTO)
    assert status == 0 and 'level 0, stride 4' in out


@pytest.mark.parametrize(
    'backbone, block, query',
    [
        ('hrformer_t', 'stages.1.blocks.0.branches.1.0', '0.3,0.9'),
        ('uniformer_xxs', 'stages.2.blocks.3', 'class'),
    ],
)
def test_attention(here, tmp_path, backbone, block, query):
    options = ['--block', block, '--query', query, '--size', '64x96', '--out', 'seen.jpg']
    status, out, _ = here('attention', backbone, *options, '--image', PHOTO)
    assert status == 0 and 'written: seen.jpg' in out
    assert colours(tmp_path / 'seen.jpg') > 1000


def test_cam(here, tmp_path):
    status, _, _ = here('cam', 'conformer_ti', '--size', '64x96', '--out', 'cam.png')
    assert status == 0
    assert colours(tmp_path / 'cam.png') > 100


@pytest.mark.slow
@pytest.mark.parametrize(
    'config',
    [
        'retinanet_conformer_ti_1x',
        'maskrcnn_conformer_ti_1x',
        'semanticfpn_conformer_ti_80k_ade20k',
        'upernet_conformer_ti_160k_ade20k',
        'topdown_conformer_s_210e_coco_256x192',
    ],
)
def test_cam_of_a_model(here, tmp_path, config):
    pytest.importorskip('mmdet')
    pytest.importorskip('mmseg')
    pytest.importorskip('mmpose')
    options = ['--size', '96x128', '--out', 'cam.png', '--class', 3]
    status, _, err = here('cam', config, *options)
    assert status == 0, err
    assert colours(tmp_path / 'cam.png') > 100


@pytest.mark.slow
def test_cam_of_a_checkpoint(here, tmp_path):
    """That of the whole model: other numbers than random ones; part of one is refused."""
    pytest.importorskip('mmseg')
    from hybrid_backbones.analysis.interpret.load_model import load_whole

    config = 'semanticfpn_conformer_ti_80k_ade20k'
    model, _ = load_whole(config, None)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    state['decode_head.conv_seg.bias'][7] = 1e12
    torch.save(dict(state_dict=state), 'epoch.pth')
    loaded, kind = load_whole(config, 'epoch.pth')
    target = kind(loaded)
    target(torch.zeros(1, 3, 64, 64))
    assert target.label == 7
    del state['decode_head.conv_seg.bias']
    torch.save(dict(state_dict=state), 'part.pth')
    options = ['--weights', 'part.pth', '--size', '64x64']
    status, _, err = here('cam', config, *options)
    assert status == 2 and 'the first is decode_head.conv_seg.bias' in err


def test_images_as_the_configs_normalise_them():
    image = read_image(str(PHOTO), (50, 60))
    assert image.size == (50, 60)
    by_hand = cv2.resize(cv2.imread(str(PHOTO)), (60, 50), interpolation=cv2.INTER_AREA)
    by_hand = (by_hand[..., ::-1] - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
    expected = torch.from_numpy(by_hand).permute(2, 0, 1)[None].float()
    torch.testing.assert_close(image.normalised(), expected)
    assert max(read_image(None).size) <= 640


@pytest.mark.parametrize(
    'arguments, parts',
    [
        ([], ['WHAT']),
        (['features', 'uniformer_s', '--image', 'gone.jpg'], ['no image gone.jpg']),
        (
            ['features', 'uniformer_xxs', '--weights', 'junk.jpg'],
            ['junk.jpg is no checkpoint, or damaged'],
        ),
        (['feature'], ["'feature'", 'features']),
        (['features', 'uniformer_q'], ["'uniformer_q'", 'uniformer_s']),
        (['features', 'uniformer_s', '--size', '64'], ['HEIGHTxWIDTH', "'64'"]),
        (['features', 'uniformer_s', '--size', '16x64'], ['32x32', '16x64']),
        (['features', 'uniformer_s', '--out', 'a.gif'], ['FILE.png', 'a.gif']),
        (['features', 'uniformer_s', '--out', '.'], ['FILE.png']),
        (['features', 'uniformer_s', '--image', 'junk.jpg'], ['junk.jpg: no image, or damaged']),
        (['features', 'uniformer_s', '--weights', 'gone.pth'], ['no checkpoint file gone.pth']),
        (['features', 'gone.py'], ['no config file gone.py']),
        (
            ['erf', 'hrformer_t', '--weights', 'a', 'b'],
            ['--weights takes one file', 'got 2'],
        ),
        (['erf', 'hrformer_t', '--size', '16x16'], ['32x32']),
        (['attention', 'uniformer_xxs'], ['--block']),
        (['attention', 'uniformer_xxs', '--block', 'stages.0'], ['stages.2.blocks.0 to 7']),
        (
            ['attention', 'uniformer_xxs', '--block', 'stages.2.blocks.0', '--query', 'x'],
            ['Y,X', "'x'"],
        ),
        (['cam', 'uniformer_xxs'], ['Conformer', 'UniFormer']),
        (
            ['cam', 'conformer_ti', '--class', '3'],
            ['--class is', '--weights that hold'],
        ),
        (['cam', 'conformer_ti', '--block', 'stages.9'], ['stages.0.blocks.0']),
    ],
)
def test_refusals(here, tmp_path, arguments, parts):
    (tmp_path / 'junk.jpg').write_bytes(b'junk')
    line = here(*arguments).refusal
    for part in parts:
        assert part in line
    assert [path.name for path in tmp_path.iterdir()] == ['junk.jpg']


def test_a_failed_write_leaves_nothing(here, tmp_path):
    (tmp_path / 'file').write_text('')
    status, _, err = here('features', 'uniformer_xxs', '--size', '32x32', '--out', 'file/a.png')
    assert status == 2 and 'cannot write file/a.png: file is a file, not a folder' in err
    assert [path.name for path in tmp_path.iterdir()] == ['file']

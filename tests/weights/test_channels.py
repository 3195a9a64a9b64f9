"""Published weights for colour images, on images of other channels."""

import pytest
import torch

from hybrid_backbones import create_backbone
from hybrid_backbones.errors import CheckpointError
from hybrid_backbones.weights.channels import adapt_channels
from hybrid_backbones.weights.families import KEY_MAPPINGS
from tests.golden import published_state
from tests.parity import assert_level

BACKBONES = (
    'conformer_tiny_patch16',
    'cvt_13',
    'hrformer_tiny',
    'transxnet_t',
    'uniformer_small',
    'uniformer_small_plus',  # with another stem
)


@pytest.fixture(scope='module', params=BACKBONES)
def published(request, tmp_path_factory):
    """The name of a backbone and the authors' file for it."""
    path = tmp_path_factory.mktemp('published') / f'{request.param}.pth'
    torch.save({'model': published_state(request.param)}, path)
    return request.param, path


@pytest.fixture(scope='module')
def cvt(tmp_path_factory):
    path = tmp_path_factory.mktemp('cvt') / 'cvt_13.pth'
    torch.save({'model': published_state('cvt_13')}, path)
    return path


def grey(channels):
    """One image, the same in all channels."""
    image = torch.randn(1, 1, 64, 96, generator=torch.Generator().manual_seed(2)).double()
    return image.expand(-1, channels, -1, -1)


def levels(backbone, image):
    with torch.inference_mode():
        return backbone.eval().double()(image)


def load(name, path, in_channels):
    return create_backbone(name, path, in_channels=in_channels, out_indices=(0, 1, 2))


def assert_same_levels(ours, theirs):
    for level, expected in zip(ours, theirs):
        assert_level(level, expected, 1e-4)


def test_equal_channels_give_what_colours_gave(published):
    """With 1, 3, 6, 9, 12, ... channels. The levels differ where a weight is not adapted so."""
    name, path = published
    colour = levels(load(name, path, 3), grey(3))
    for channels in (1, 12):
        assert_same_levels(levels(load(name, path, channels), grey(channels)), colour)


@pytest.mark.parametrize('channels', [2, 4])
def test_other_numbers_of_channels(published, channels):
    """They load and run, and see each colour as often as it has its turn."""
    name, path = published
    colour, other = load(name, path, 3), load(name, path, channels)
    before, after = (b.state_dict()[b.image_weight] for b in (colour, other))
    for c in range(channels):
        torch.testing.assert_close(after[:, c], before[:, c % 3] * 3 / channels)
    for key, value in colour.state_dict().items():
        assert key == colour.image_weight or torch.equal(other.state_dict()[key], value), key
    assert all(level.isfinite().all() for level in levels(other, grey(channels)))


@pytest.mark.parametrize('channels', range(1, 14))
def test_response(channels):
    """Equal channels have the response of colours: exactly for 1, 3, 6, 9, ...

    With others it is that of the colours with other weights, which add up to the same: exact
    where the three colours have one kernel.
    """
    weight = torch.randn(5, 3, 7, 7, generator=torch.Generator().manual_seed(0)).double()
    response = adapt_channels(weight, channels).sum(1)
    turns = torch.tensor([len(range(colour, channels, 3)) for colour in range(3)]).double()
    shares = turns * 3 / channels if channels > 1 else torch.ones(3).double()
    assert shares.sum() == pytest.approx(3)
    assert (shares == 1).all() == (channels == 1 or channels % 3 == 0)
    expected = (weight * shares[:, None, None]).sum(1)
    torch.testing.assert_close(response, expected)
    same = weight[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(adapt_channels(same, channels).sum(1), same.sum(1))


def test_type_and_rounding():
    weight = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0)).half()
    one = adapt_channels(weight, 1)
    assert one.dtype == torch.float16
    assert one.shape == (4, 1, 3, 3)
    assert torch.equal(one, weight.double().sum(1, keepdim=True).half())


@pytest.mark.parametrize(
    'channels, line',
    [
        (1, '  stem.proj.weight: summed over the 3 colours, for images of 1 channel'),
        (
            4,
            '  stem.proj.weight: the 3 colours in turn, times 3/4, for images of 4 channels',
        ),
        (3, None),
    ],
)
def test_report(cvt, channels, line):
    found = create_backbone('cvt_13', in_channels=channels).load_pretrained(cvt)
    assert found.adapted == (line and line.strip())
    assert (line in str(found).splitlines()) if line else 'colours' not in str(found)


def own_checkpoint(path, **options):
    """As mmengine saves a detector; with a weight that no adaptation gives."""
    backbone = create_backbone('cvt_13', **options)
    state = {f'backbone.{key}': value for key, value in backbone.state_dict().items()}
    torch.save({'state_dict': state}, path)
    return backbone


@pytest.mark.parametrize('channels', [1, 4])
def test_own_checkpoints_stay_as_they_are(tmp_path, channels):
    trained = own_checkpoint(tmp_path / 'own.pth', in_channels=channels)
    twin = create_backbone('cvt_13', tmp_path / 'own.pth', in_channels=channels)
    for key, value in trained.state_dict().items():
        assert torch.equal(twin.state_dict()[key], value)


@pytest.mark.parametrize('there, here', [(4, 3), (1, 3), (2, 4)])
def test_trained_with_other_channels(tmp_path, there, here):
    own_checkpoint(tmp_path / 'own.pth', in_channels=there)
    with pytest.raises(CheckpointError) as caught:
        create_backbone('cvt_13', tmp_path / 'own.pth', in_channels=here)
    assert str(caught.value) == (
        f'own.pth was trained with images of {there} channels, and this backbone takes {here}: '
        f'build it with in_channels={there}'
    )


@pytest.mark.parametrize('there, here', [(3, 3), (3, 4), (4, 4), (2, 4)])
def test_another_arch_is_named_whatever_the_channels(tmp_path, there, here):
    own_checkpoint(tmp_path / 'own.pth', in_channels=there)
    with pytest.raises(CheckpointError, match=r'own.pth is a CvT of another arch \(13\): '):
        create_backbone('cvt_21', tmp_path / 'own.pth', in_channels=here)


def test_every_published_file_has_the_weight(published):
    """It is in the authors' names what a backbone says that sees the image."""
    name, _ = published
    backbone = create_backbone(name)
    family = type(backbone).__name__
    authors = next(m for m in KEY_MAPPINGS if m.family == family and m.source == 'authors')
    theirs = published_state(name)[authors.to_published(backbone.image_weight)]
    assert theirs.shape == backbone.state_dict()[backbone.image_weight].shape
    assert theirs.shape[1] == 3

"""Which images are found, and what is said of files that are none."""

import os

import cv2
import numpy as np
import pytest
from PIL import Image

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.inference import predict as predicting
from hybrid_backbones.inference.images import find_images, output_names, problem_of, read_bgr
from hybrid_backbones.inference.predict import Predicted


def draw(path, size=(40, 50)):
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), np.full((*size, 3), 7, np.uint8))
    return path


def test_several_places_and_patterns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('a.jpg', 'b.png', 'in/a.jpg', 'in/c.jpg', 'x[1].png', 'x1.png'):
        draw(tmp_path / name)
    (tmp_path / 'in' / 'notes.txt').touch()
    found = find_images(['b.png', 'in', '*.jpg', 'in/*', 'b.png'])
    assert [path.as_posix() for path in found] == ['b.png', 'in/a.jpg', 'in/c.jpg', 'a.jpg']
    assert [path.name for path in find_images('x[1].png')] == ['x[1].png'], 'before the pattern'
    assert [path.name for path in find_images('**/c.*')] == ['c.jpg']
    assert list(output_names(found).values()) == ['b', 'in_a.jpg', 'c', f'{tmp_path.name}_a.jpg']
    for pattern, words in (('*.bmp', 'no file like'), ('in/*.txt', 'no image like in')):
        with pytest.raises(ConfigError, match=words):
            find_images(['a.jpg', pattern])


@pytest.mark.parametrize(
    'address, words',
    [
        ('http://127.0.0.1/a.jpg', 'curl -LO http://127.0.0.1/a.jpg'),
        ('https://some.where/a.jpg', 'curl -LO https'),
        ('s3://bucket/a.jpg', 'fetch it, and give the path'),
        ('file:///tmp/a.jpg', 'give its path'),
    ],
)
def test_addresses(address, words):
    with pytest.raises(ConfigError, match=f'is an address, .*{words}'):
        find_images([address])


@pytest.mark.parametrize('name', ['clip.mp4', 'CLIP.AVI', 'my clip.mov', 'a.mkv', 'a.webm'])
def test_videos(tmp_path, name):
    (tmp_path / name).write_bytes(b'video')
    assert 'a video, which is not read: take its frames out, ffmpeg -i' in problem_of(
        tmp_path / name
    )
    with pytest.raises(ConfigError, match='is a video, which is not read'):
        find_images(str(tmp_path))


def test_an_animation(tmp_path):
    frames = [Image.new('RGB', (40, 40), colour) for colour in ('red', 'blue')]
    frames[0].save(tmp_path / 'a.gif', save_all=True, append_images=frames[1:])
    assert 'ffmpeg -i a.gif a_%06d.png' in problem_of(tmp_path / 'a.gif')
    frames[0].save(tmp_path / 'still.gif')
    assert problem_of(tmp_path / 'still.gif') is None


def test_a_large_image(tmp_path):
    """Above PIL's limit for what could be an attack, which says that it is damaged."""
    Image.new('1', (10000, 18000)).save(tmp_path / 'aerial.png')
    assert 10000 * 18000 > 2 * Image.MAX_IMAGE_PIXELS
    assert problem_of(tmp_path / 'aerial.png') is None
    Image.new('1', (40000, 30000)).save(tmp_path / 'vast.png')
    assert problem_of(tmp_path / 'vast.png') == '40000x30000 pixels, more than OpenCV decodes'
    assert Image.MAX_IMAGE_PIXELS, 'as it was'


def test_what_one_decoder_reads_and_the_other_does_not(tmp_path):
    """Named, and the others go on."""
    noise = np.random.RandomState(0).rand(96, 128).astype('f4')
    Image.fromarray(noise).save(tmp_path / 'a.tif')
    whole, half = draw(tmp_path / 'whole.png', (99, 99)), tmp_path / 'half.png'
    half.write_bytes(whole.read_bytes()[:-60])
    paths = [tmp_path / 'a.tif', half, whole]
    seen = []

    def task(path, image):
        seen.append((path, image.shape))
        raise ValueError('seen')

    done = Predicted(tmp_path / 'out')
    predicting._predict_all(task, paths, done, iter)
    assert set(done.skipped) == set(paths), 'each once'
    assert seen[-1] == (whole, (99, 99, 3))
    assert half not in dict(seen)
    if isinstance(read_bgr(paths[0]), str):  # newer versions of OpenCV read it
        assert done.skipped[paths[0]].startswith('OpenCV cannot read it (TIFF of mode F)')


def test_want_of_memory(tmp_path):
    def task(path, image):
        raise MemoryError

    done = Predicted(tmp_path / 'out')
    predicting._predict_all(task, [draw(tmp_path / 'a.png')], done, iter)
    assert list(done.skipped.values()) == ['too large for the memory']


def test_count_of_what_is_drawn():
    done = Predicted(os.curdir, threshold=0.3)
    done.count([])
    assert (done.drawn, done.best) == (0, None)
    done.count([0.23, 0.1])
    done.count([0.05])
    assert (done.drawn, done.best) == (0, 0.23)
    done.count([0.9])
    assert (done.drawn, done.best) == (1, 0.9)

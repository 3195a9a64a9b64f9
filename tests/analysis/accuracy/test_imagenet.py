"""Images and class numbers, from the folders that are in use."""

import pytest

from hybrid_backbones.analysis.accuracy.imagenet import read_imagenet
from hybrid_backbones.errors import ConfigError
from tests.analysis.accuracy.drawn import CLASSES, WORDNET_IDS, draw, flat, folders


def numbers(*arguments, **options):
    return [number for _, number in read_imagenet(*map(str, arguments), 1000, **options)]


def test_folders_of_classes(tmp_path):
    folders(tmp_path / 'val')
    (tmp_path / 'val' / '.cache').mkdir()
    assert numbers(tmp_path / 'val') == list(CLASSES)
    assert numbers(tmp_path) == list(CLASSES)


def names():
    return [f'ILSVRC2012_val_{i:08}.JPEG' for i in range(len(CLASSES))]


def numbered():
    return ''.join(f'{name} {number}\n' for name, number in zip(names(), CLASSES))


def kaggle():
    """The ids of all classes are there, as in the whole set; images that are not here, too."""
    rows = [f'ILSVRC2012_val_{i:08},{each} 1 2 3 4' for i, each in enumerate(WORDNET_IDS, 1000)]
    mine = [f'{name[:-5]},{WORDNET_IDS[n]} 1 2 30 40 ' for name, n in zip(names(), CLASSES)]
    return '\n'.join(['ImageId,PredictionString', *rows, *mine])


@pytest.mark.parametrize(
    'file, text',
    [('val.txt', numbered()), ('meta/val.txt', numbered()), ('LOC_val_solution.csv', kaggle())],
)
def test_labels_that_lie_beside(tmp_path, file, text):
    flat(tmp_path / 'val')
    (tmp_path / 'meta').mkdir()
    (tmp_path / file).write_text(text)
    assert numbers(tmp_path / 'val') == list(CLASSES)
    assert numbers(tmp_path) == list(CLASSES)


def test_a_wordnet_id_in_each_line(tmp_path):
    for i in range(1000):
        (tmp_path / f'{i:04}.png').touch()
    (tmp_path / 'mine').write_text('\n'.join(reversed(WORDNET_IDS)))
    found = read_imagenet(str(tmp_path), 1000, labels=str(tmp_path / 'mine'))
    assert [(path.name, number) for path, number in found[:2]] == [
        ('0000.png', 999),
        ('0001.png', 998),
    ]


def refusal(*arguments, **options):
    with pytest.raises(ConfigError) as caught:
        numbers(*arguments, **options)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_refusals(tmp_path):
    assert refusal(tmp_path / 'gone').startswith('no folder')
    assert 'has neither images nor a folder for each class' in refusal(tmp_path)
    few = tmp_path / 'few'
    draw(few / 'n01440764' / 'a.jpg')
    assert 'has 1 folders of classes, n01440764 the first, and the classifier has 1000' in refusal(
        few
    )
    for each in WORDNET_IDS:
        (tmp_path / 'empty' / each).mkdir(parents=True)
    assert 'no image in the folders of' in refusal(tmp_path / 'empty')


@pytest.mark.parametrize(
    'name, text, part',
    [
        ('labels', '', 'it is empty'),
        ('labels', 'a b c\n', "not 'a b c'"),
        ('labels', numbered().replace(' 999', ' 1000'), "'1000' is no class, which is a number"),
        ('labels', numbered().replace(' 999', ' cat'), "'cat' is no class"),
        ('labels', numbered().partition('\n')[0], 'no label for 7 of 8 images, the first is'),
        ('labels', '1\n2\n', 'has 2 labels for 8 images'),
        ('labels', '\n'.join(WORDNET_IDS[:8]), 'has 8 WordNet ids, and the classifier 1000'),
        ('ILSVRC2012_validation_ground_truth.txt', '490\n', 'in another order than all'),
    ],
)
def test_wrong_labels(tmp_path, name, text, part):
    flat(tmp_path / 'images')
    (tmp_path / name).write_text(text)
    assert part in refusal(tmp_path / 'images', labels=str(tmp_path / name))


def test_images_without_labels(tmp_path):
    flat(tmp_path)
    assert 'has images and no labels: give `labels=FILE`' in refusal(tmp_path)
    assert 'no file of labels gone' in refusal(tmp_path, labels='gone')

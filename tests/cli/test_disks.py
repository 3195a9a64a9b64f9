"""Disks that are full, folders that are read-only, and what is no folder: one line, exit status 2.

Nothing is left there, what was there stays, and it is found out before the work.
"""

import errno
import json
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hybrid_backbones import create_backbone
from hybrid_backbones.analysis.benchmark import measure
from hybrid_backbones.cli.main import main
from hybrid_backbones.deploy.exporting import export
from hybrid_backbones.deploy.exporting.formats import FORMATS, NO_LABELS
from hybrid_backbones.engine import test as testing
from hybrid_backbones.engine import train as training
from hybrid_backbones.engine.dump import dump_results
from hybrid_backbones.errors import CheckpointError, OutputError
from hybrid_backbones.inference.outputs import PredictionWriter
from hybrid_backbones.synthetic import write_coco
from hybrid_backbones.utils.files import atomic_path
from hybrid_backbones.weights.download import download
from tests.disks import OLD, below_a_file, content, fill, folders, full, mounted, place, read_only
from tests.tools.commands import MASK_RCNN

pytest.importorskip('mmdet')
__all__ = ['below_a_file', 'folders', 'full', 'mounted', 'place', 'read_only']  # fixtures

RETINANET = 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'
# {}: a file or folder that cannot be written
FILES = {
    'benchmark': ['uniformer_xxs', '--json', '{}.json'],
    'check-dataset': [MASK_RCNN, '--mini', '--out', '{}.json'],
    'convert': ['weights.pth', '{}.pth'],
    'drop-in': [RETINANET, '--backbone', 'uniformer_xxs', '-o', '{}.py'],
    'export': ['uniformer_xxs', '--out', '{}.onnx'],
    'export torch': ['uniformer_xxs', '--format', 'torch', '--out', '{}.pt2'],
    'plot-log': ['scalars.json', '--out', '{}.png'],
    'test': [MASK_RCNN, 'weights.pth', '--mini', '--out', '{}.pkl'],
    'visualize': ['features', 'uniformer_xxs', '--size', '32x32', '--out', '{}.png'],
}
FOLDERS = {
    'browse-dataset': [MASK_RCNN, '--mini', '--out', '{}'],
    'predict': [MASK_RCNN, 'image.png', '--weights', 'weights.pth', '--out', '{}'],
    'reproduce': ['*', '--mini', '--out', '{}'],
    'test --show-dir': [MASK_RCNN, 'weights.pth', '--mini', '--show-dir', '{}'],
    'test --work-dir': [MASK_RCNN, 'weights.pth', '--mini', '--work-dir', '{}'],
    'train': [MASK_RCNN, '--mini', '--work-dir', '{}'],
}


@pytest.fixture
def no_work(monkeypatch):
    """What takes long is not to be begun."""

    def fail(*args, **kwargs):
        pytest.fail('this should have been known before the work')

    monkeypatch.setattr(export, 'trace', fail)
    monkeypatch.setattr(training, 'build_runner', fail)
    monkeypatch.setattr(testing, 'read_model', fail)
    monkeypatch.setattr(measure, 'make_ready', fail)


@pytest.mark.parametrize('tool', [*FILES, *FOLDERS])
def test_refused(command, tmp_path, no_work, place, tool):
    (tmp_path / 'weights.pth').touch()
    (tmp_path / 'image.png').touch()
    (tmp_path / 'scalars.json').write_text(json.dumps(dict(loss=1, lr=0.1, iter=1, step=1)))
    before = content(place.root)
    target = str(place.folder / 'out')
    given = [str(each).format(target) for each in {**FILES, **FOLDERS}[tool]]
    if tool == 'convert' and place.reason.startswith('it is'):
        pytest.skip('a folder gets a file of its own')
    line = command(tool.split()[0], *given).refusal
    assert str(place.folder) in line
    assert place.reason in line or (tool in ('convert', 'drop-in') and 'no folder' in line)
    assert content(place.root) == before
    made = {'weights.pth', 'image.png', 'scalars.json', 'data'}
    assert {path.name for path in tmp_path.iterdir()} <= made


@pytest.mark.parametrize(
    'tool', ['benchmark', 'export torch', 'plot-log', 'test', 'visualize', 'train']
)
def test_folders_are_not_left(command, tmp_path, monkeypatch, tool):
    """Parents that are made for a result go with it."""
    (tmp_path / 'scalars.json').write_text(json.dumps(dict(loss=1, lr=0.1, iter=1, step=1)))

    def no_room(source, target):
        raise OSError(28, os.strerror(28), source, None, target)

    def no_room_for_bytes(path, data):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr('pathlib.Path.write_bytes', no_room_for_bytes)
    monkeypatch.setattr('os.replace', no_room)
    given = [str(each).format('new/folder/out') for each in {**FILES, **FOLDERS}[tool]]
    line = command(tool.split()[0], *given).refusal
    assert 'new/folder/out' in line and 'No space left on device' in line
    assert not (tmp_path / 'new').exists()


@pytest.fixture
def nearly_full(mounted):
    """What is tried before the work fits, and the result does not."""
    disk = mounted(128)
    (disk / 'out.png').write_bytes(OLD)
    fill(disk, left=16 << 10)
    return disk


@pytest.mark.parametrize(
    'tool', ['browse-dataset', 'convert', 'visualize', 'images', 'label maps', 'torch', 'pickle']
)
def test_full_while_writing(command, converted, nearly_full, tool):
    before = content(nearly_full)
    if tool in LIBRARY:
        with pytest.raises(OutputError, match='No space left on device') as caught:
            LIBRARY[tool](nearly_full / 'new' / 'out')
        message = str(caught.value)
    else:
        given = {**FILES, **FOLDERS, 'convert': [converted, '{}.pth']}[tool]
        message = command(tool, *(str(each).format(nearly_full / 'out') for each in given)).refusal
    assert f'cannot write {nearly_full}' in message and 'No space left on device' in message
    assert content(nearly_full) == before


def write_images(folder):
    noise = np.random.randint(0, 256, (128, 128, 3), np.uint8)
    PredictionWriter(folder).write('a', noise, noise, {})


def write_label_maps(folder):
    noise = np.random.randint(0, 150, (256, 256), np.uint8)
    names = [str(number) for number in range(150)]
    PredictionWriter(folder).write_classes('a', noise, noise, noise, names)


def write_program(path):
    """torch's own writer would abort the process."""
    example = (torch.zeros(1, 99),)
    program = torch.export.export(torch.nn.Linear(99, 99), example)
    with atomic_path(path) as part:
        FORMATS['torch'].write(program, part, 0, NO_LABELS)


def write_pickle(path):
    metric = dump_results('mmdet', f'{path}.pkl')
    metric.compute_metrics([dict(scores=torch.rand(9999))])


LIBRARY = {
    'images': write_images,
    'label maps': write_label_maps,
    'torch': write_program,
    'pickle': write_pickle,
}


def test_a_synthetic_dataset_is_whole_or_not_there(nearly_full):
    """OpenCV says nothing of an image that does not fit."""
    before = content(nearly_full)
    with pytest.raises(OutputError, match=f'cannot write {nearly_full}/new/coco: No space left'):
        write_coco(nearly_full / 'new' / 'coco')
    assert content(nearly_full) == before


def test_a_disk_that_fills_while_training(command, monkeypatch, tmp_path):
    """mmengine's own log, whose writer names no file."""

    class Runner(SimpleNamespace):
        def register_hook(self, hook):
            pass

        def train(self):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(training, 'build_runner', lambda cfg: Runner(work_dir='work'))
    line = command('train', MASK_RCNN, '--mini').refusal
    assert 'cannot write work: No space left on device' in line and '--resume' in line


def test_a_folder_gets_the_converted_file(command, tmp_path, converted):
    (tmp_path / 'out').mkdir()
    result = command('convert', converted, 'out')
    [made] = (tmp_path / 'out').iterdir()
    assert result.out.strip() == f'out/{made.name}'
    assert made.name.startswith('uniformer_xxs-') and made.suffix == '.pth'
    again = command('convert', made, 'out')
    assert again.out == result.out, 'no second hash in the name'


@pytest.fixture
def converted(tmp_path):
    torch.save(create_backbone('uniformer_xxs').state_dict(), tmp_path / 'uniformer_xxs.pth')
    return tmp_path / 'uniformer_xxs.pth'


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / 'file').write_bytes(OLD)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'file'))
    with pytest.raises(CheckpointError, match=r'cannot download .*Not a directory.*another way'):
        download('http://127.0.0.1:9/model.pth')
    assert (tmp_path / 'file').read_bytes() == OLD


def test_a_device_stays_one(command, tmp_path):
    """It is written to, and not replaced by a file."""
    (tmp_path / 'null.json').symlink_to(os.devnull)
    command('check-dataset', MASK_RCNN, '--mini', '--quick', '--out', 'null.json')
    assert (tmp_path / 'null.json').is_symlink() and os.path.realpath('null.json') == os.devnull


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='no full disk to write to')
@pytest.mark.parametrize(
    'arguments', [['list'], ['describe', 'cvt_13'], ['train', '--help'], ['--version']]
)
def test_standard_output_on_a_full_disk(arguments, monkeypatch, capsys):
    """While it is written, or when the command is done."""
    with open('/dev/full', 'w', encoding='utf-8') as full_disk:
        monkeypatch.setattr(sys, 'stdout', full_disk)
        with pytest.raises(SystemExit) as end:
            main(arguments)
    assert end.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith('hybrid-backbones')
    assert line.endswith('No space left on device')

"""Training, interrupted and resumed, and testing, as a user runs them."""

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time

import cv2
import pytest

from tests.tools.commands import MASK_RCNN, PROJECT, SHORT, complaint, run, start, tool

pytest.importorskip('mmdet')


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A folder in which a short training has been run, with --resume and nothing to resume."""
    folder = tmp_path_factory.mktemp('trained')
    flags = ('--mini', '--work-dir', 'work', '--resume')
    result = tool(folder, 'train', MASK_RCNN, *flags, '--cfg-options', *SHORT)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder, result.stdout + result.stderr


def test_train_says_what_it_does(trained):
    folder, output = trained
    assert 'training on a small synthetic dataset, from random weights' in output
    assert 'segm_mAP_50' in output
    assert (folder / 'work' / 'epoch_1.pth').is_file()
    assert (folder / 'work' / 'last_checkpoint').read_text().endswith('epoch_1.pth')


def test_test_draws_and_dumps(trained):
    folder, _ = trained
    result = tool(
        folder,
        *('test', MASK_RCNN, 'work/epoch_1.pth', '--mini', '--work-dir', 'work'),
        *('--show-dir', 'images', '--out', 'out.pkl', '--cfg-options', *SHORT),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r'^box AP \d\.\d{3}, box AP50 \d\.\d{3}$', result.stdout, re.M)
    assert re.search(r'^mask AP \d\.\d{3}, mask AP50 \d\.\d{3}$', result.stdout, re.M)
    pictures = sorted((folder / 'images').rglob('*.jpg'))
    assert len(pictures) == 4
    drawn, plain = cv2.imread(str(pictures[0])), folder / 'data/mini/coco/val2017'
    height, width = cv2.imread(str(plain / pictures[0].name)).shape[:2]
    assert drawn.shape == (height, 2 * width, 3), 'ground truth beside the prediction'
    assert str(pictures[0].relative_to(folder)) in result.stdout
    with open(folder / 'out.pkl', 'rb') as file:
        assert len(pickle.load(file)) == 4


def test_test_time_augmentation(trained):
    folder, _ = trained
    result = tool(
        folder,
        *('test', MASK_RCNN, 'work/epoch_1.pth', '--mini', '--work-dir', 'work'),
        *('--tta', '--cfg-options', *SHORT),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert 'box AP50' in result.stdout


def test_checkpoint_of_another_config(trained):
    folder, _ = trained
    other = PROJECT / 'configs' / 'maskrcnn_uniformer_b_1x.py'
    line = complaint(tool(folder, 'test', other, 'work/epoch_1.pth', '--mini'))
    assert 'epoch_1.pth is no checkpoint of this config' in line


def test_resume_after_a_kill(tmp_path):
    """SIGKILL in the second epoch; --resume goes on where the first ended."""
    arguments = ['--mini', '--work-dir', 'work', '--cfg-options', *SHORT, 'train_cfg.max_epochs=2']
    command = [sys.executable, PROJECT / 'tools/train.py', MASK_RCNN, *arguments]
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process = start(tmp_path, *command, start_new_session=True, **quiet)
    waited = time.time()
    while not (tmp_path / 'work' / 'last_checkpoint').exists() and time.time() - waited < 240:
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / 'work' / 'epoch_2.pth').exists(), 'killed too late'

    result = tool(tmp_path, 'train', MASK_RCNN, *arguments, '--resume')
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    assert 'resumed epoch: 1, iter: 2' in output
    scalars = sorted((tmp_path / 'work').glob('*/vis_data/scalars.json'))[-1]
    steps = [json.loads(line) for line in scalars.read_text().splitlines()]
    trained = [entry for entry in steps if 'loss' in entry]
    assert {entry['epoch'] for entry in trained} <= {2}
    assert (tmp_path / 'work' / 'epoch_2.pth').is_file()


def test_resume_with_nothing_to_resume(trained):
    _, output = trained
    assert 'no checkpoint in work yet' in output


def launch(folder, script, *arguments):
    """A script of tools/, which starts two processes on the CPU where there is no GPU."""
    path = {'PATH': os.path.dirname(sys.executable) + os.pathsep + os.environ['PATH']}
    command = ['env', *(f'{k}={v}' for k, v in path.items()), 'PORT=29563', 'OMP_NUM_THREADS=1']
    flags = ['--mini', '--work-dir', 'work2', '--cfg-options', *SHORT]
    result = run(folder, *command, PROJECT / 'tools' / script, MASK_RCNN, *arguments, *flags)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.mark.slow
def test_testing_in_two_processes(trained):
    folder, _ = trained
    output = launch(folder, 'dist_test.sh', 'work/epoch_1.pth', 2)
    assert re.search(r'Epoch\(test\) \[2/2\]', output), 'of four images'
    assert 'box AP50' in output


@pytest.mark.slow
@pytest.mark.extended
def test_training_in_two_processes(trained):
    """tests/engine/test_distributed.py has a segmentor's."""
    folder, _ = trained
    assert re.search(r'Epoch\(val\) \[1\]\[2/2\]', launch(folder, 'dist_train.sh', 2))


def test_print_config(command, tmp_path):
    options = ['--cfg-options', 'model.backbone.drop_path_rate=0.3']
    result = command('print-config', MASK_RCNN, *options)
    assert result.status == 0, result.err
    assert "type='hybrid_backbones.UniFormer'" in result.out
    assert 'drop_path_rate=0.3' in result.out
    printed = tmp_path / 'printed.py'
    printed.write_text(result.out)
    assert command('print-config', printed).out == result.out

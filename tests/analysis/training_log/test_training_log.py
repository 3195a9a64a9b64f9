"""Logs of trainings: those that mmengine itself writes, and those that went wrong."""

import json
import math

import pytest
import torch
from mmengine.dataset import BaseDataset
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.visualization import LocalVisBackend
from torch import nn

from hybrid_backbones.analysis.training_log.curves import draw, running_mean, select, summary
from hybrid_backbones.analysis.training_log.read import read_log, read_logs
from hybrid_backbones.errors import ConfigError, OutputError
from hybrid_backbones.weights import allow_mmengine_pickles

PER_EPOCH = 4  # iterations


class Data(BaseDataset):
    def load_data_list(self):
        return [{} for _ in range(PER_EPOCH)]

    def prepare_data(self, idx):
        return dict(inputs=torch.ones(2))


class Line(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, inputs, mode):
        y = self.layer(torch.stack(inputs)).mean()
        return dict(loss_a=y * y, loss_b=y.abs()) if mode == 'loss' else [y]


class Height(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results.append(1.0)

    def compute_metrics(self, results):
        return dict(height=len(results))


def train(work_dir, resume_from=None, **loop):
    loader = dict(
        dataset=Data(),
        sampler=dict(type='DefaultSampler', shuffle=False),
        batch_size=1,
        num_workers=0,
    )
    by_epoch = 'max_epochs' in loop
    runner = Runner(
        model=Line(),
        work_dir=str(work_dir),
        train_dataloader=loader,
        val_dataloader=loader,
        train_cfg=dict(by_epoch=by_epoch, **loop),
        val_cfg=dict(),
        val_evaluator=dict(type=Height),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=2),
            checkpoint=dict(type='CheckpointHook', interval=1, by_epoch=by_epoch),
        ),
        log_processor=dict(by_epoch=by_epoch),
        log_level='ERROR',
        load_from=resume_from and str(resume_from),
        resume=bool(resume_from),
        experiment_name=f'{work_dir.name}{len(list(work_dir.glob("*")))}',
    )
    with allow_mmengine_pickles():
        runner.train()


@pytest.fixture(scope='module')
def resumed(tmp_path_factory):
    """Three epochs, and then, as the third was lost, from the second checkpoint to the fifth."""
    work_dir = tmp_path_factory.mktemp('resumed')
    train(work_dir, max_epochs=3, val_interval=1)
    for folder in list(work_dir.glob('*/')):
        if (folder / 'vis_data').is_dir():
            folder.rename(work_dir / f'0_{folder.name}')  # starts within a second share a name
    train(work_dir, work_dir / 'epoch_2.pth', max_epochs=5, val_interval=1)
    return work_dir


def curve(log, key):
    return next(c for c in log.curves() if c.key == key)


def test_resumed_logs_are_one(resumed):
    log = read_log(resumed)
    assert log.starts == 2
    assert log.name == resumed.name
    assert log.by_epoch
    loss = curve(log, 'loss')
    assert loss.kind == 'loss'
    assert loss.steps == list(range(2, 5 * PER_EPOCH + 1, 2))
    assert curve(log, 'height').steps == [1, 2, 3, 4, 5]
    assert curve(log, 'height').kind == 'metric'
    assert {c.key for c in log.curves()} >= {'loss', 'loss_a', 'loss_b', 'lr', 'height'}
    assert 'time' not in [c.key for c in log.curves() if c.kind == 'metric']

    # the third epoch is that of the second start
    second = sorted(resumed.glob('*/vis_data'))[1]
    rows = [json.loads(line) for line in (second / 'scalars.json').read_text().splitlines()]
    third = next(row['loss'] for row in rows if row.get('iter') == 2 * PER_EPOCH + 2)
    assert loss.values[loss.steps.index(2 * PER_EPOCH + 2)] == third


def test_names_of_a_start(resumed):
    first = sorted(resumed.glob('*/vis_data'))[0]
    forms = (first.parent, first, first / 'scalars.json')
    for path in forms:
        log = read_log(path)
        assert log.starts == 1
        assert log.name == f'{resumed.name}/{first.parent.name}'
        assert curve(log, 'loss').steps == list(range(2, 3 * PER_EPOCH + 1, 2))
    by_time = next(file for file in first.glob('*.json') if file.name != 'scalars.json')
    assert curve(read_log(by_time), 'loss') == curve(log, 'loss')


def test_iterations_where_mmengine_says_epoch_0(tmp_path):
    train(tmp_path, max_iters=8, val_interval=4)
    log = read_log(tmp_path)
    assert not log.by_epoch
    assert curve(log, 'loss').steps == [2, 4, 6, 8]
    assert curve(log, 'height').steps == [4, 8]


def write(folder, *rows, name='20260101_000000', tail=''):
    """A log as mmengine's backend writes it."""
    backend = LocalVisBackend(str(folder / name / 'vis_data'))
    for row in rows:
        backend.add_scalars(row, step=row['step'])
    file = folder / name / 'vis_data' / 'scalars.json'
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open('a') as log:
        log.write(tail)
    return file


def row(iteration, loss=1.0, **more):
    return dict(lr=0.1, loss=loss, iter=iteration, step=iteration, **more)


def test_a_run_that_began_anew(tmp_path):
    """All of the earlier is gone, also where it logged more often."""
    write(tmp_path, *(row(i) for i in range(1, 30)), dict(mIoU=1.0, step=20), name='1')
    write(tmp_path, row(10, 2.0), row(20, 2.0), name='2')
    log = read_log(tmp_path)
    assert curve(log, 'loss').steps == [10, 20]
    assert 'mIoU' not in {c.key for c in log.curves()}


def test_resumed_by_iterations(tmp_path):
    rows = [row(i) for i in range(10, 60, 10)]
    write(
        tmp_path, *rows[:3], dict(mIoU=1.0, step=30), *rows[3:], dict(mIoU=2.0, step=50), name='1'
    )
    write(tmp_path, row(40, 2.0), row(50, 2.0), dict(mIoU=3.0, step=50), name='2')
    log = read_log(tmp_path)
    assert curve(log, 'loss').values == [1, 1, 1, 2, 2]
    assert (curve(log, 'mIoU').steps, curve(log, 'mIoU').values) == ([30, 50], [1, 3])


def test_several_starts_in_one_file(tmp_path):
    file = write(tmp_path, row(10), row(20), row(30), row(20, 2.0), row(30, 2.0))
    log = read_log(file)
    assert log.starts == 2
    assert curve(log, 'loss').values == [1, 2, 2]


def test_a_killed_run(tmp_path):
    file = write(tmp_path, row(10), tail='{"lr": 0.1, "lo')
    log = read_log(tmp_path)
    assert curve(log, 'loss').steps == [10]
    assert log.notes == [f'{file}: line 2, the last one, is cut off: skipped']
    write(tmp_path, name='20260202_000000')  # a start that logged nothing
    assert read_log(tmp_path).starts == 1


@pytest.mark.parametrize(
    'content, parts',
    [
        (b'{"loss": 1, "iter": 1, "step": 1}\n{"loss"\n{"step": 2}\n', ['corrupt in line 2']),
        (b'\xff\xd8\xff\xe0\x00', ['cannot be read', 'no text']),
        (b'hello\n', ['corrupt in line 1']),
        (b'[1, 2]\n', ['no log of a training', 'line 1', '"step"']),
        (b'{"coco/bbox_mAP": 0.5}', ['no log of a training', 'line 1']),
        (b'', ['no complete line', 'nothing was logged']),
    ],
)
def test_corrupt_files(tmp_path, content, parts):
    file = tmp_path / 'scalars.json'
    file.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        read_log(file)
    for part in [str(file), *parts]:
        assert part in str(error.value)


def test_no_log(tmp_path):
    with pytest.raises(ConfigError, match=r'no log at .*gone'):
        read_log(tmp_path / 'gone')
    (tmp_path / '20260101_000000').mkdir()
    with pytest.raises(ConfigError, match=r'holds no training log.*vis_data/scalars\.json'):
        read_log(tmp_path)


def test_names_of_several_runs(tmp_path):
    paths = [str(tmp_path / x / 'run') for x in 'ab']
    for path in paths:
        write(tmp_path / path, row(10))
    assert [log.name for log in read_logs(paths)] == paths
    assert [log.name for log in read_logs(paths[:1])] == ['run']
    with pytest.raises(ConfigError, match='named twice'):
        read_logs([paths[0], paths[0]])


def test_selection(tmp_path):
    coco = {'coco/bbox_mAP': 0.5, 'coco/bbox_mAP_50': 0.6, 'coco/bbox_mAP_m': -1.0, 'step': 1}
    write(tmp_path / 'a', row(10, loss_cls=0.5, grad_norm=9.0, epoch=1), coco)
    write(tmp_path / 'b', row(10, loss_cls=0.5, epoch=1), dict(height=1.0, step=1))
    a, b = read_logs([str(tmp_path / x) for x in 'ab'])
    keys = lambda drawn: [(log.name, c.key) for log, c in drawn]  # noqa: E731
    assert keys(select([a])) == [('a', k) for k in ('lr', 'loss', 'loss_cls', 'coco/bbox_mAP')]
    assert keys(select([a, b])) == [
        *[('a', k) for k in ('lr', 'loss', 'coco/bbox_mAP')],
        *[('b', k) for k in ('lr', 'loss', 'height')],
    ]
    assert keys(select([a, b], ['grad_norm', 'loss_cls'])) == [
        *[('a', k) for k in ('loss_cls', 'grad_norm')],
        ('b', 'loss_cls'),
    ]
    with pytest.raises(ConfigError) as error:
        select([a], ['mIoU'])
    assert "'mIoU'" in str(error.value)
    assert 'lr, loss, loss_cls, grad_norm, coco/bbox_mAP, coco/bbox_mAP_50' in str(error.value)
    assert 'coco/bbox_mAP_m' not in str(error.value), '-1 is COCO for no such object'


def test_a_log_without_loss_and_metrics(tmp_path):
    write(tmp_path, dict(acc=1.0, iter=10, step=10))
    with pytest.raises(ConfigError, match=r'`keys`.*acc'):
        select([read_log(tmp_path)])


def test_running_mean():
    assert running_mean([4, 2, 0, 4], 2) == [4, 3, 1, 2]
    assert running_mean([1, 2], 1) == [1, 2]
    assert math.isnan(running_mean([1, math.nan], 2)[1])


def test_summary(tmp_path):
    rows = [row(10, 3.0, epoch=1), {'coco/bbox_mAP': 0.25, 'step': 1}]
    rows += [row(20, 2.0, epoch=2), {'coco/bbox_mAP': 0.125, 'step': 2}]
    write(tmp_path / 'a', *rows)
    assert summary(read_log(tmp_path / 'a')) == (
        'a: 20 iterations, loss 3 to 2, highest coco/bbox_mAP 0.25 at epoch 1'
    )
    write(tmp_path / 'b', row(10, 3.0), row(20, math.nan), row(30, math.nan))
    assert summary(read_log(tmp_path / 'b')) == (
        'b: 30 iterations, loss 3 to nan, not finite from iteration 20'
    )


def panels(figure):
    return {
        axes.get_xlabel() + '/' + axes.get_title(): [
            (line.get_label(), list(line.get_xdata()), list(line.get_ydata()))
            for line in axes.get_lines()
        ]
        for axes in figure.axes
    }


def test_figure(tmp_path):
    from hybrid_backbones.analysis.training_log.curves import _figure

    rows = [row(10, 3.0, loss_cls=2.0, epoch=1), {'coco/bbox_mAP': 0.25, 'step': 1}]
    write(tmp_path / 'a', *rows, row(20, 1.0, loss_cls=1.0, epoch=2))
    write(tmp_path / 'b', row(10, 5.0, epoch=1), {'coco/bbox_mAP': 0.5, 'step': 1})
    logs = read_logs([str(tmp_path / x) for x in 'ab'])
    assert panels(_figure(select(logs), 1)) == {
        'iteration/loss': [('a', [10, 20], [3, 1]), ('b', [10], [5])],
        'epoch/coco/bbox_mAP': [('a', [1], [0.25]), ('b', [1], [0.5])],
        'iteration/lr': [('a', [10, 20], [0.1, 0.1]), ('b', [10], [0.1])],
    }
    one = panels(_figure(select(logs[:1]), 2))
    thin, smooth = one['iteration/loss'][::2], one['iteration/loss'][1::2]
    assert [line[1:] for line in thin] == [([10, 20], [3, 1]), ([10, 20], [2, 1])]
    assert smooth == [('loss', [10, 20], [3, 2]), ('loss_cls', [10, 20], [2, 1.5])]


def test_nothing_remains_of_a_figure_that_cannot_be_written(tmp_path):
    write(tmp_path / 'a', row(10), row(20))
    drawn = select([read_log(tmp_path / 'a')])
    with pytest.raises(ConfigError, match=r'`out` takes .*png.*a.xyz'):
        draw(drawn, str(tmp_path / 'out' / 'a.xyz'))
    assert not (tmp_path / 'out').exists()
    (tmp_path / 'out' / 'a.png').mkdir(parents=True)
    with pytest.raises(OutputError, match=r'cannot write .*a\.png: it is a folder, not a file'):
        draw(drawn, str(tmp_path / 'out' / 'a.png'))
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['a.png']
    draw(drawn, str(tmp_path / 'out' / 'b.png'))
    assert (tmp_path / 'out' / 'b.png').read_bytes()[:4] == b'\x89PNG'

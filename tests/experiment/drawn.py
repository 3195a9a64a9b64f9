"""Work directories and studies, drawn without a training."""

import json
from pathlib import Path

from hybrid_backbones.experiment.study import Entry, Study, complete

HEAD = """\
01/01 12:00:00 - mmengine - INFO -
------------------------------------------------------------
System environment:
    sys.platform: linux
    Python: 3.9.18 (main, Jan 1 2026)
    CUDA available: True
    GPU 0,1: NVIDIA A100-SXM4-80GB
    numpy_random_seed: 7
    PyTorch: {torch}
    MMEngine: 0.10.4

Runtime environment:
    cudnn_benchmark: True
    seed: 7
    Distributed launcher: pytorch
------------------------------------------------------------
"""
CONFIG = """\
default_hooks = dict(logger=dict(interval={interval}, type='LoggerHook'))
model = dict(test_cfg=dict(mode='{mode}'), type='EncoderDecoder')
optim_wrapper = dict(optimizer=dict(lr={rate}, type='AdamW'))
randomness = dict(seed={seed})
test_dataloader = dict(
    batch_size=1,
    dataset=dict(
        data_prefix=dict(img_path='images/validation', seg_map_path='annotations/validation'),
        data_root='{root}',
        pipeline=[dict(keep_ratio=True, scale=(2048, 512), type='Resize')],
        type='{dataset}'),
    num_workers=4)
test_evaluator = dict(iou_metrics=['mIoU'], type='IoUMetric')
train_cfg = dict(max_iters={total}, type='IterBasedTrainLoop', val_interval=10)
train_dataloader = dict(batch_size=4)
work_dir = '{folder}'
"""


def draw_start(
    folder,
    metrics=(30.0, 40.0),
    *,
    start='20260101_120000',
    seed=0,
    total=20,
    iters=20,
    torch='2.1.0+cu121',
    root='data/ade',
    dataset='ADE20KDataset',
    mode='whole',
    rate=0.0001,
    interval=5,
):
    """One start of a training of 20 iterations, evaluated after each ten."""
    vis_data = Path(folder) / start / 'vis_data'
    vis_data.mkdir(parents=True)
    names = dict(locals())
    text = CONFIG.format(**{k: names[k] for k in names if k not in ('metrics', 'start', 'torch')})
    (vis_data / 'config.py').write_text(text)
    (vis_data.parent / f'{start}.log').write_text(HEAD.format(torch=torch))
    rows = []
    evaluations = dict(zip(range(10, 10 * len(metrics) + 1, 10), metrics))
    for step in range(interval, iters + 1, interval):
        rows.append(dict(lr=rate, loss=4.0 - step / 10, time=0.5, memory=1000 + step, iter=step))
        if step in evaluations:
            rows.append(dict(mIoU=evaluations[step], aAcc=80.0, time=0.1))
        for row in rows:
            row.setdefault('step', step)
    (vis_data / 'scalars.json').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return Path(folder)


def draw_done(folder, metric, **options):
    """A run of a study that is done, with its test."""
    draw_start(folder, (metric - 5, metric), **options)
    tested = folder / 'test' / '20260101_130000'
    tested.mkdir(parents=True)
    (tested / '20260101_130000.json').write_text(json.dumps(dict(mIoU=metric, aAcc=80.0)))
    write_state(folder, status='done', stage='test')
    return folder


def write_state(folder, about=None, attempts=(), **state):
    versions = {'torch': '2.1.0+cu121', 'hybrid_backbones': '0.1.0'}
    about = dict(about or {}, commit='abc')
    about.setdefault('versions', versions)
    content = dict(state, about=about, attempts=list(attempts))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'run.json').write_text(json.dumps(content))


CONFIG_FILE = """\
model = dict(type='Any', backbone=dict(type='Any', init_cfg=None))
train_dataloader = dict(batch_size={batch})
train_cfg = dict(type='IterBasedTrainLoop', max_iters=20, val_interval=10)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=0.001))
"""


def small_study(folder, names=('a', 'b'), batch=4, **options):
    """A study of configs that only name things."""
    for name in names:
        (folder / f'{name}.py').write_text(CONFIG_FILE.format(batch=batch))
    entries = [Entry(str(folder / f'{name}.py')) for name in names]
    return complete(Study(entries, out=str(folder / 'out'), **options), 'small')

"""Train one config of each family and task on synthetic data, and write docs/synthetic_training.md.

Finished runs are not repeated: python -m tools.pages.synthetic_runs
"""

import json
import os
import resource
import subprocess
import sys
import time
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Collection, Dict, List, Tuple

import torch
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from hybrid_backbones.cli.arguments import Parser, positive, run
from hybrid_backbones.config.load import load_config
from hybrid_backbones.errors import ConfigError
from hybrid_backbones.openmmlab.library import prepare_libraries
from hybrid_backbones.synthetic import shrink_config
from hybrid_backbones.synthetic.shrink import MINI_ROOT
from hybrid_backbones.utils.files import check_folder, write_json
from hybrid_backbones.utils.text import markdown_table
from hybrid_backbones.utils.versions import versions
from hybrid_backbones.zoo.configs import config_path
from tools.pages.marked import DOCS, read_page, write_parts

PAGE = DOCS / 'synthetic_training.md'
PARTS = ('thresholds', 'versions', 'runs')
# one config a family and task, of the family's smallest variant that has one
RUNS = tuple(
    f'{head}_{x}'
    for x, pose in (
        ('conformer_ti', 'conformer_s'),
        ('transxnet_t', 'transxnet_s'),
        ('cvt_13', 'cvt_13'),
        ('uniformer_xxs', 'uniformer_s'),
        ('hrformer_t', 'hrformer_t'),
    )
    for head, x in (
        ('maskrcnn', f'{x}_1x'),
        ('semanticfpn', f'{x}_80k_ade20k'),
        ('topdown', f'{pose}_210e_coco_256x192'),
    )
)
LENGTH = 0.6  # of the usual training on synthetic data: enough to show that a model learns
# key of the metric, its name in the table, its unit in the log, and the threshold that counts as
# having learnt, far above the start
METRICS = dict(
    mmdet=(
        ('coco/bbox_mAP_50', 'box AP50', 100, 40.0),
        ('coco/segm_mAP_50', 'mask AP50', 100, 40.0),
    ),
    mmseg=(('mIoU', 'mIoU', 1, 50.0),),
    mmpose=(
        ('coco/AP', 'keypoint AP', 100, 5.0),
        ('coco/AP .5', 'keypoint AP50', 100, 30.0),
    ),
)
# what each of these metrics is of
TASKS = dict(
    mmdet=('detection', 'instance segmentation'),
    mmseg=('semantic segmentation',),
    mmpose=('pose', 'pose'),
)


def train_all(
    names: Collection[str] = RUNS,
    work_dir: Path = Path('work_dirs/synthetic'),
    page: Path = PAGE,
    jobs: int = 2,
) -> None:
    """Train the configs that have no result yet, and write the tables of all results into a page.

    Args:
        names: Of the configs.
        work_dir: Where the runs go, each in a folder of its own.
        page: Where the tables go.
        jobs: Runs at a time; they share the cores.

    Raises:
        ConfigError: There is no such config or page, or a run failed or has not learnt.
    """
    read_page(page, PARTS)
    check_folder(work_dir)
    try:
        paths = {name: config_path(name) for name in names}
    except ValueError as error:
        raise ConfigError(str(error)) from None
    with ThreadPoolExecutor(jobs) as pool:
        done = pool.map(lambda path: _run(path, work_dir / Path(path).stem, jobs), paths.values())
        failed = [name for name, fine in zip(paths, done) if not fine]
    results = [
        json.loads(path.read_text(encoding='utf-8'))
        for path in sorted(work_dir.glob('*/result.json'))
    ]
    write_parts(page, parts(results))
    print(f'written: {page}')
    failed += [r['config'] for r in results if r['config'] in names and not has_learnt(r)]
    if failed:
        raise ConfigError(
            f'failed, or below the threshold: {", ".join(failed)} (logs below {work_dir})'
        )


def has_learnt(result: dict) -> bool:
    """Whether every metric reached its threshold."""
    return all(result['end'][name] >= least for _, name, _, least in METRICS[result['library']])


def _run(path: str, work_dir: Path, jobs: int) -> bool:
    """Train in a process of its own, so that peak memory is that of one run; whether it went well.

    Torch's threads share the cores among the jobs: more would starve each other.
    """
    result = work_dir / 'result.json'
    if not result.is_file():
        work_dir.mkdir(parents=True, exist_ok=True)
        threads = str(max((os.cpu_count() or 1) // jobs, 1))
        with open(work_dir / 'output.txt', 'w', encoding='utf-8') as output:
            subprocess.run(
                [sys.executable, '-m', 'tools.pages.synthetic_runs', '--one', path, str(work_dir)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, 'OMP_NUM_THREADS': threads},
            )
    fine = result.is_file()
    said = (
        _summary(json.loads(result.read_text(encoding='utf-8')))
        if fine
        else f'failed, see {work_dir}/output.txt'
    )
    print(f'{Path(path).stem}: {said}', flush=True)
    return fine


class _Start(Hook):
    """Evaluates before the first step, and takes the time from there."""

    def before_train(self, runner: Runner) -> None:
        self.metrics = runner.val_loop.run() if runner.iter == 0 else {}
        runner.model.train()
        self.time = time.time()


def train_one(path: str, work_dir: str) -> dict:
    """Train a config on synthetic data; the result is written to ``work_dir/result.json``."""
    prepare_libraries()
    cfg = load_config(path)
    shrink_config(cfg, MINI_ROOT, LENGTH)
    cfg.work_dir = work_dir
    cfg.randomness = dict(seed=0)
    cfg.default_hooks.checkpoint.update(interval=10**9, save_last=False, save_best=None)
    start = _Start()
    runner = Runner.from_cfg(cfg)
    runner.register_hook(start, priority='VERY_LOW')
    runner.train()
    seconds = time.time() - start.time
    metrics = METRICS[cfg.default_scope]
    ends = runner.message_hub.log_scalars
    result = dict(
        config=Path(path).stem,
        library=cfg.default_scope,
        family=cfg.model.backbone.type.split('.')[1],
        start={name: unit * start.metrics[key] for key, name, unit, _ in metrics},
        end={name: unit * ends[f'val/{key}'].current() for key, name, unit, _ in metrics},
        steps=runner.iter,
        batch=cfg.train_dataloader.batch_size,
        seconds=seconds,
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        threads=torch.get_num_threads(),
        date=date.today().isoformat(),
        versions=versions(),
    )
    write_json(Path(work_dir, 'result.json'), result)
    MMLogger.get_current_instance().info(_summary(result))
    return result


def _summary(result: dict) -> str:
    metrics = [
        f'{name} {result["start"][name]:.1f} -> {end:.1f}' for name, end in result['end'].items()
    ]
    return f'{", ".join(metrics)}; {result["steps"]} steps in {result["seconds"]:.0f} s'


HEAD = (
    'family',
    'task',
    'config',
    'metric',
    'start',
    'end',
    'steps x batch',
    'seconds',
    'peak memory',
)


def parts(results: List[dict]) -> Dict[str, str]:
    """The generated parts of the page: the results by family and task, and where they are from."""
    order = {name: i for i, name in enumerate(RUNS)}
    results = sorted(results, key=lambda r: (order.get(r['config'], len(order)), r['config']))
    thresholds = [
        f'{name} {least:.0f} %' for rows in METRICS.values() for _, name, _, least in rows
    ]
    used = _joined(results, lambda r: ', '.join(f'{k} {v}' for k, v in r['versions'].items()))
    threads = _joined(results, lambda r: str(r['threads']))
    dates = _joined(results, lambda r: r['date'])
    return dict(
        thresholds=f'{", ".join(thresholds)}.',
        versions=f'{used}; CPU threads: {threads}; {dates}.',
        runs=markdown_table(HEAD, [row for result in results for row in _rows(result)]),
    )


def _rows(result: dict) -> List[Tuple[str, ...]]:
    return [
        (
            result['family'],
            TASKS[result['library']][i],
            f'`{result["config"]}`',
            name,
            f'{result["start"][name]:.1f}',
            f'{end:.1f}',
            f'{result["steps"]} x {result["batch"]}',
            f'{result["seconds"]:.0f}',
            f'{result["peak_mib"] / 1024:.1f} GiB',
        )
        for i, (name, end) in enumerate(result['end'].items())
    ]


def _joined(results: List[dict], of) -> str:
    return ' / '.join(sorted({of(result) for result in results}))


def parse_args() -> Namespace:
    parser = Parser(description='Train one config of each family and task on synthetic data')
    parser.add_argument(
        'names',
        nargs='*',
        metavar='CONFIG',
        help=f'names of configs (default: {len(RUNS)} of them)',
    )
    parser.add_argument(
        '--work-dir', type=Path, default='work_dirs/synthetic', help='where the runs go'
    )
    parser.add_argument(
        '--jobs', type=positive, default=2, help='runs at a time, sharing the cores'
    )
    parser.add_argument('--page', type=Path, default=PAGE, help='the page with the tables')
    parser.add_argument(
        '--one', nargs=2, metavar=('CONFIG', 'DIR'), help='train this config file, in this process'
    )
    return parser.parse_args(namespace=Namespace(local_rank=0))


def main(args: Namespace) -> None:
    if args.one:
        train_one(*args.one)
    else:
        train_all(args.names or RUNS, args.work_dir, args.page, args.jobs)


if __name__ == '__main__':
    run(parse_args, main)

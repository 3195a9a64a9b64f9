"""Whole models: the libraries' own test and training steps, beside those with ResNet-50."""

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple

from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.utils.text import markdown_table

from .backbones import LIMIT, REPEATS, WHATS
from .jobs import PARTS, Job

NAME = 'whole_models'
WARMUP = 1
PHOTOGRAPH = (480, 640)  # that a training pipeline loads
LEAST = 0.02  # of the time, for a part to be named
COLUMNS = (
    'model',
    'step',
    'seconds',
    'over ResNet-50',
    'backbone',
    'the other parts',
    'workers that keep up',
)


@dataclass(frozen=True)
class Model:
    """A config of ours and the library's own.

    Args:
        config: Ours.
        against: Of the same heads on ResNet-50.
        size: Of a test image, height and width.
        package: The library.
        later: Which of its steps may wait.
    """

    config: str
    against: str
    size: Tuple[int, int]
    package: str
    later: Tuple[str, ...] = ()

    def jobs(self, what: str, threads: int) -> List[Job]:
        """One for each of the two."""
        ours = 'eager' if what == 'training' else 'folded'
        modes = {self.config: ours, self.against: 'eager'}
        return [self._job(config, mode, what, threads) for config, mode in modes.items()]

    def _job(self, config: str, mode: str, what: str, threads: int) -> Job:
        training = what == 'training'
        settings = Settings(
            config,
            size=PHOTOGRAPH if training else self.size,
            batch=2 if training else 1,
            mode=mode,
            what=what,
            threads=threads,
            repeats=REPEATS,
            warmup=WARMUP,
            limit=LIMIT,
            memory=False,
        )
        return Job(
            job_name(config, what),
            settings,
            PARTS,
            package=self.package,
            process=f'model-{self.config}',
            later=what in self.later,
        )


def job_name(config: str, what: str) -> str:
    """Of the file of results."""
    short = config.rpartition('/')[2]
    short = short[: -len('.py')] if short.endswith('.py') else short
    return f'model-{short}-{what}'


MODELS = (
    Model(
        'maskrcnn_uniformer_s_1x',
        'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
        (800, 1280),
        'mmdet',
    ),
    Model(
        'upernet_uniformer_s_160k_ade20k',
        'mmseg::upernet/upernet_r50_4xb4-160k_ade20k-512x512.py',
        (512, 512),
        'mmseg',
        later=('training',),
    ),
    Model(
        'semanticfpn_uniformer_s_80k_ade20k',
        'mmseg::sem_fpn/fpn_r50_4xb4-160k_ade20k-512x512.py',
        (512, 512),
        'mmseg',
        later=WHATS,
    ),
    Model(
        'topdown_hrformer_s_210e_coco_256x192',
        'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py',
        (256, 192),
        'mmpose',
    ),
)


def jobs(threads: int) -> List[Job]:
    """Four for each model."""
    return [job for model in MODELS for what in WHATS for job in model.jobs(what, threads)]


def table(results: Mapping[str, Dict[str, Any]]) -> str:
    """A row for each model and step."""
    rows = []
    for model in MODELS:
        for what in WHATS:
            ours, theirs = (
                results.get(job_name(config, what)) for config in (model.config, model.against)
            )
            seconds, *others = _cells(ours) if ours else ['-'] * 4
            ratio = f'{_seconds(ours) / _seconds(theirs):.2f}' if ours and theirs else '-'
            rows.append([f'`{model.config}`', what, seconds, ratio, *others])
    return markdown_table(COLUMNS, rows)


def _seconds(result: Dict[str, Any]) -> float:
    return float(result['seconds']['of_parts'])


def _cells(result: Dict[str, Any]) -> List[str]:
    shares = {name: part['share'] for name, part in result['parts'].items()}
    backbone = shares.pop('backbone')
    named = sorted(shares.items(), key=lambda each: -each[1])
    others = [f'{name} {share:.0%}' for name, share in named if share >= LEAST]
    workers = str(result['pipeline']['workers']) if result['pipeline'] else ''
    return [f'{_seconds(result):.2f}', f'{backbone:.0%}', ', '.join(others), workers]

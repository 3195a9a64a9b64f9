"""Whole models: a test image's time and a training step's, beside the same model with ResNet-50."""

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple

from hybrid_backbones.analysis.benchmark.settings import Settings
from hybrid_backbones.utils.text import markdown_table

from .backbones import REPEATS, WHATS
from .jobs import Job

NAME = 'whole_models'
WARMUP = 1
COLUMNS = (
    'model',
    'image',
    'test, seconds',
    'over ResNet-50',
    'training step, seconds',
    'over ResNet-50',
)


@dataclass(frozen=True)
class Model:
    """A config of ours and the library's own.

    Args:
        config: Ours.
        against: Of the same heads on ResNet-50.
        size: Of the images, height and width.
        package: The library.
    """

    config: str
    against: str
    size: Tuple[int, int]
    package: str

    def job(self, what: str, threads: int) -> Job:
        """Of one image, or of two for a training step."""
        training = what == 'training'
        settings = Settings(
            self.config,
            size=self.size,
            batch=2 if training else 1,  # TransXNet and some heads train with two at least
            mode='eager' if training else 'folded',
            what=what,
            threads=threads,
            against=self.against,
            repeats=REPEATS,
            warmup=WARMUP,
            memory=False,
        )
        return Job(self.job_name(what), settings, package=self.package)

    def job_name(self, what: str) -> str:
        """Of the file of results."""
        return f'model-{self.config}-{what}'


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
    ),
    Model(
        'semanticfpn_uniformer_s_80k_ade20k',
        'mmseg::sem_fpn/fpn_r50_4xb4-160k_ade20k-512x512.py',
        (512, 512),
        'mmseg',
    ),
    Model(
        'topdown_hrformer_s_210e_coco_256x192',
        'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py',
        (256, 192),
        'mmpose',
    ),
)


def jobs(threads: int) -> List[Job]:
    """Two for each model."""
    return [model.job(what, threads) for model in MODELS for what in WHATS]


def table(results: Mapping[str, Dict[str, Any]]) -> str:
    """Seconds, and over the same model's with ResNet-50 in the same turn."""
    rows = []
    for model in MODELS:
        cells = []
        for what in WHATS:
            result = results.get(model.job_name(what))
            cells += (
                [f'{result["seconds"]["median"]:.2f}', f'{result["against"]["ratio"]:.2f}']
                if result
                else ['-', '-']
            )
        rows.append([f'`{model.config}`', 'x'.join(map(str, model.size)), *cells])
    return markdown_table(COLUMNS, rows)

"""Testing by mmengine's Runner."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional

from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner

from ..config.data import check_not_data, datasets_of
from ..config.traverse import forget_pretrained
from ..errors import ConfigError, as_config_error
from ..openmmlab.check_classes import check_classes
from ..openmmlab.library import announce_operators
from ..openmmlab.published import apply_settings, load_into
from ..utils.files import check_file, check_folder
from ..weights import PublishedModel, allow_mmengine_pickles, read_model
from .amp import AmpHook, device_notes, test_with_amp
from .bad_images import leave_out
from .data import check_data_quickly
from .drawings import DRAWN_SIZE, SUFFIXES, draw_into
from .dump import dump_results
from .hooks.compile import CompileHook
from .hooks.fold import FoldHook, bare_model
from .hooks.rate import RateHook
from .prepare import prepare
from .runner import BAD_SETTINGS


@dataclass
class Tested:
    """What a test has found.

    Args:
        metrics: As the config's evaluator names them.
        library: That the config is for.
        images: The files in ``show_dir``, sorted.
        notes: What was not tested.
        tested: How many images, or persons for top-down poses, this process has tested.
        rate: Of them in a second, their loading and preparation included.
    """

    metrics: Dict[str, float]
    library: str
    images: List[Path] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    tested: int = 0
    rate: float = 0.0


def test(
    config: str,
    checkpoint: str,
    *,
    work_dir: Optional[str] = None,
    mini: bool = False,
    all_classes: bool = False,
    data_root: Optional[str] = None,
    cfg_options: Optional[Dict[str, Any]] = None,
    launcher: str = 'none',
    out: Optional[str] = None,
    show_dir: Optional[str] = None,
    tta: bool = False,
    fold: bool = False,
    allow_non_finite: bool = False,
    data_check: bool = True,
    skip_bad_images: int = 0,
    compile: bool = False,
    amp: bool = False,
) -> Tested:
    """Test a checkpoint on the config's test set.

    Args:
        config: See :func:`hybrid_backbones.engine.prepare.prepare`, as for all that is not here.
        checkpoint: As training wrote it, or as the authors or OpenMMLab published it.
        work_dir: See there.
        mini: See there.
        all_classes: See there.
        data_root: See there.
        cfg_options: See there.
        launcher: See there.
        out: File for the raw predictions, a pickle.
        show_dir: Folder for images of the predictions.
        tta: Test-time augmentation: the config's own, or for detection a flip.
        fold: Fold the model's norms and scales into its convolutions first.
        allow_non_finite: Also take weights that are infinite or not a number.
        data_check: Read the annotations, and the headers of a few images, before anything else.
        skip_bad_images: How many images may be unreadable; they are left out, and the notes say so.
        compile: Have torch compile the blocks of the backbone; after folding, with ``fold``.
        amp: Mixed precision: float16 on a GPU, bfloat16 on a CPU.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: The checkpoint cannot be read.
        OutputError: ``out``, ``show_dir`` or the work directory cannot be written.
        ImportError: The library that the config is for is not installed.
    """
    cfg = prepare(
        config,
        data_of=('test_dataloader',),
        mini=mini,
        all_classes=all_classes,
        data_root=data_root,
        cfg_options=cfg_options,
        launcher=launcher,
        work_dir=work_dir,
    )
    if out and not out.endswith(('.pkl', '.pickle')):
        raise ConfigError(f'`out` is a pickle: FILE.pkl, not {out!r}')
    if out:
        check_file(out)
    for folder in filter(None, (cfg.work_dir, show_dir)):
        check_folder(folder)
    for setting, place in (('out', out), ('show_dir', show_dir)):
        if place:
            check_not_data(cfg, place, setting)
    if out and Path(out).resolve() == Path(checkpoint).resolve():
        raise ConfigError(f'`out`: {out} is the checkpoint; choose another file')
    check_classes(cfg, ('test_dataloader',))
    if not Path(checkpoint).is_file():
        raise ConfigError(f'no checkpoint file {checkpoint}')
    cfg.load_from = None  # it is loaded here, whatever its names are
    forget_pretrained(cfg.model)
    published = read_model(checkpoint, allow_non_finite)
    notes = apply_settings(cfg, published)
    notes += leave_out(cfg, ('test_dataloader',), skip_bad_images) if skip_bad_images else []
    if data_check and not mini:
        notes += check_data_quickly(cfg, ('test_dataloader',), images=not skip_bad_images)
    if show_dir:
        _draw(cfg)
    notes += _augment(cfg) if tta else []
    if amp:
        test_with_amp(cfg)
        notes += device_notes(amp)
    with as_config_error('the config cannot be run', BAD_SETTINGS):
        runner = Runner.from_cfg(cfg)
    announce_operators()
    _load(runner, published, notes)
    if out:
        runner.test_evaluator.metrics.append(dump_results(cfg.default_scope, out))
    if show_dir:
        draw_into(runner, Path(show_dir))
    if fold:
        runner.register_hook(FoldHook())
    if amp:
        runner.register_hook(AmpHook())
    if compile:
        runner.register_hook(CompileHook())
    rate = RateHook()
    runner.register_hook(rate)
    with allow_mmengine_pickles():
        metrics = runner.test()
    drawn = _images(show_dir)
    return Tested(metrics, cfg.default_scope, drawn, notes, rate.count, rate.per_second)


def _images(folder: Optional[str]) -> List[Path]:
    if not folder:
        return []
    return sorted(path for path in Path(folder).rglob('*') if path.suffix.lower() in SUFFIXES)


def _load(runner: Runner, published: PublishedModel, notes: List[str]) -> None:
    for line in (load_into(bare_model(runner.model), published), *notes):
        runner.logger.info(line)


def _draw(cfg: Config) -> None:
    """Turn on the library's own hook that draws predictions, on every image."""
    hooks = cfg.get('default_hooks', {})
    if 'visualization' not in hooks:
        raise ConfigError('`show_dir` needs default_hooks.visualization in the config')
    if cfg.default_scope == 'mmpose':
        hooks.visualization.update(enable=True, out_dir=None)
    elif cfg.default_scope == 'mmpretrain':  # which would draw every 5000th, with large letters
        hooks.visualization.update(enable=True, interval=1, out_dir=None, resize=DRAWN_SIZE)
    else:
        hooks.visualization.update(draw=True, interval=1)  # MMSegmentation would draw every 50th
        hooks.visualization.pop('test_out_dir', None)


def _augment(cfg: Config) -> List[str]:
    """Test-time augmentation: the config's own, or for detection a flip; what it leaves out."""
    notes = []
    if 'tta_pipeline' not in cfg or 'tta_model' not in cfg:
        if cfg.default_scope != 'mmdet':
            raise ConfigError('`tta` needs tta_model and tta_pipeline in the config')
        notes = _augment_detection(cfg)
    cfg.model = ConfigDict(**cfg.tta_model, module=cfg.model)
    for dataset in datasets_of(cfg, 'test_dataloader'):
        dataset.pipeline = cfg.tta_pipeline
    return notes


def _augment_detection(cfg: Config) -> List[str]:
    """The image and its mirror image; mmdet merges boxes only, so masks are left out."""
    notes = []
    roi_head = cfg.model.get('roi_head') or {}
    if roi_head.get('mask_head'):
        notes = ['mmdet merges boxes only: masks are neither predicted nor evaluated']
        roi_head.update(mask_head=None, mask_roi_extractor=None)
        _evaluate_boxes(cfg)
    *head, _ = datasets_of(cfg, 'test_dataloader')[0].pipeline
    meta = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip')
    views = [
        # the ground truth of the first view is drawn: as it is
        [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
        [dict(type='PackDetInputs', meta_keys=(*meta, 'flip_direction'))],
    ]
    cfg.tta_pipeline = [*head, dict(type='TestTimeAug', transforms=views)]
    nms = dict(type='nms', iou_threshold=0.5)
    cfg.tta_model = dict(type='DetTTAModel', tta_cfg=dict(nms=nms, max_per_img=100))
    return notes


def _evaluate_boxes(cfg: Config) -> None:
    """Of the metrics, those of boxes."""
    metrics = cfg.test_evaluator
    for metric in metrics if isinstance(metrics, (list, tuple)) else [metrics]:
        if 'segm' in (metric.get('metric') or ()):
            metric.metric = 'bbox'

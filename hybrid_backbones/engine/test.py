"""Testing by mmengine's Runner, and a short summary at its end."""

import argparse
from pathlib import Path
from typing import Dict, List

from mmengine.config import Config, ConfigDict
from mmengine.dist import is_main_process
from mmengine.evaluator import DumpResults
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ..errors import ConfigError
from ..openmmlab.check_fit import check_fit
from ..weights import allow_mmengine_pickles, read_checkpoint
from .prepare import prepare

PICTURES = ('.jpg', '.jpeg', '.png')
BOTH = 'ground truth (left) and predictions (right)'
WHAT_IS_DRAWN = dict(mmdet=BOTH, mmseg=BOTH, mmpose='predictions, one person in each picture')


def test(args: argparse.Namespace) -> Dict[str, float]:
    """Test what ``tools/test.py``'s arguments say.

    Returns:
        The metrics.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: The checkpoint cannot be read.
    """
    cfg = prepare(args, data_of=('test_dataloader',))
    if args.out and not args.out.endswith(('.pkl', '.pickle')):
        raise ConfigError(f'--out writes a pickle: FILE.pkl, not {args.out!r}')
    if not Path(args.checkpoint).is_file():
        raise ConfigError(f'no checkpoint file {args.checkpoint}')
    cfg.load_from = args.checkpoint
    cfg.model.backbone.init_cfg = None  # the checkpoint holds the backbone too
    if args.show_dir:
        _draw(cfg, args.show_dir)
    if args.tta:
        _augment(cfg)
    runner = Runner.from_cfg(cfg)
    _check_fit(runner, args.checkpoint)
    if args.out:
        runner.test_evaluator.metrics.append(_dump(cfg, args.out))
    if args.fold:
        from .fold_hook import FoldHook  # only here: it imports every family

        runner.register_hook(FoldHook())
    with allow_mmengine_pickles():
        metrics = runner.test()
    if is_main_process():  # all processes have the metrics
        for line in _summary(metrics, cfg.default_scope, args.show_dir):
            print(line)
    return metrics


def _check_fit(runner: Runner, checkpoint: str) -> None:
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    model = getattr(model, 'module', model)  # inside a test-time augmentation wrapper
    read = read_checkpoint(checkpoint)
    check_fit(model, read.state, read.name)


def _draw(cfg: Config, folder: str) -> None:
    """Turn on the library's own hook that draws predictions, on every picture."""
    hooks = cfg.get('default_hooks', {})
    if 'visualization' not in hooks:
        raise ConfigError('--show-dir needs default_hooks.visualization in the config')
    path = str(Path(folder).resolve())
    if cfg.default_scope == 'mmpose':
        hooks.visualization.update(enable=True, out_dir=path)
    else:
        hooks.visualization.update(draw=True, interval=1)  # MMSegmentation would draw every 50th
        cfg.visualizer.save_dir = path
        if cfg.default_scope == 'mmdet':
            hooks.visualization.test_out_dir = path


def _augment(cfg: Config) -> None:
    """Test-time augmentation: the config's own, or for detection a flip."""
    if 'tta_pipeline' not in cfg or 'tta_model' not in cfg:
        if cfg.default_scope != 'mmdet':
            raise ConfigError('--tta needs tta_model and tta_pipeline in the config')
        _augment_detection(cfg)
    cfg.model = ConfigDict(**cfg.tta_model, module=cfg.model)
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline


def _augment_detection(cfg: Config) -> None:
    """The picture and its mirror image; mmdet merges boxes only, so masks are left out."""
    roi_head = cfg.model.get('roi_head') or {}
    if roi_head.get('mask_head'):
        print('--tta: mmdet merges boxes only; masks are neither predicted nor evaluated')
        roi_head.update(mask_head=None, mask_roi_extractor=None)
        cfg.test_evaluator.metric = 'bbox'
    *head, _ = cfg.test_dataloader.dataset.pipeline
    meta = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip')
    views = [
        [dict(type='RandomFlip', prob=1.0), dict(type='RandomFlip', prob=0.0)],
        [dict(type='PackDetInputs', meta_keys=(*meta, 'flip_direction'))],
    ]
    cfg.tta_pipeline = [*head, dict(type='TestTimeAug', transforms=views)]
    nms = dict(type='nms', iou_threshold=0.5)
    cfg.tta_model = dict(type='DetTTAModel', tta_cfg=dict(nms=nms, max_per_img=100))


def _dump(cfg: Config, path: str) -> DumpResults:
    if cfg.default_scope == 'mmdet':  # its own packs masks as run lengths
        from mmdet.evaluation import DumpDetResults

        return DumpDetResults(out_file_path=path)
    return DumpResults(out_file_path=path)


def _summary(metrics: Dict[str, float], scope: str, show_dir: str) -> List[str]:
    """The figures that a reader looks for first, and where the pictures are."""
    lines = []
    for kind, prefix in (('box', 'coco/bbox_mAP'), ('mask', 'coco/segm_mAP')):
        if prefix in metrics:
            lines.append(
                f'{kind} AP {metrics[prefix]:.3f}, {kind} AP50 {metrics[prefix + "_50"]:.3f}'
            )
    if 'mIoU' in metrics:  # in percent, as MMSegmentation gives it
        lines.append(f'mIoU {metrics["mIoU"]:.2f}, pixel accuracy {metrics["aAcc"]:.2f}')
    if 'coco/AP' in metrics:
        lines.append(f'keypoint AP {metrics["coco/AP"]:.3f}, AP50 {metrics["coco/AP .5"]:.3f}')
    if show_dir:
        drawn = sorted(p for p in Path(show_dir).rglob('*') if p.suffix.lower() in PICTURES)
        if drawn:
            lines.append(f'{WHAT_IS_DRAWN[scope]}: {drawn[0]}')
            lines.append(f'{len(drawn)} pictures like it in {show_dir}')
    return lines

"""Training by mmengine's Runner, or the one that the config names."""

from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Union

from mmengine.config import Config
from mmengine.logging import print_log

from ..backbones.base import NUM_LEVELS
from ..backbones.families import families, is_builtin_type
from ..config.traverse import backbones_in, forget_pretrained, kind_of
from ..errors import BatchTooSmallError, CheckpointError, ConfigError, OutputError
from ..openmmlab.build import build_on_meta
from ..openmmlab.check_classes import check_classes
from ..openmmlab.check_fit import check_fit
from ..openmmlab.check_metrics import check_metrics
from ..openmmlab.library import LIBRARIES
from ..utils.files import REFUSALS, check_folder
from .amp import AmpHook, device_notes, train_with_amp
from .bad_images import skip_in_training
from .data import check_data_quickly
from .datasets import check_not_empty
from .handed_over import hand_over
from .hooks.compile import CompileHook
from .hooks.gradients import PendingGradientsHook
from .hooks.losses import LossCheckHook
from .hooks.reproducible import DataPositionHook, RandomStateHook
from .hooks.stop import StopHook, stop_requests
from .prepare import prepare
from .published_start import start_from_published
from .resume import BEST, find_training_state, read_training_state
from .runner import build_runner
from .seeded_batches import seed_batches


def train(
    config: str,
    *,
    work_dir: Optional[str] = None,
    mini: bool = False,
    all_classes: bool = False,
    data_root: Optional[str] = None,
    cfg_options: Optional[Dict[str, Any]] = None,
    launcher: str = 'none',
    amp: bool = False,
    auto_scale_lr: bool = False,
    resume: Union[bool, str] = False,
    allow_non_finite: bool = False,
    data_check: bool = True,
    skip_bad_images: int = 0,
    compile: bool = False,
) -> Path:
    """Train a detector, segmentor, pose estimator or classifier.

    Args:
        config: See :func:`hybrid_backbones.engine.prepare.prepare`, as for all that is not here.
        work_dir: See there.
        mini: See there.
        all_classes: See there.
        data_root: See there.
        cfg_options: See there.
        launcher: See there.
        amp: Mixed precision: bfloat16 on a CPU, on a GPU float16 or what the config says.
        auto_scale_lr: Scale the learning rate from the config's base batch size to the actual one.
        resume: A checkpoint to resume from, or True for the newest whole one in the work directory.
        allow_non_finite: Also start from weights that are infinite or not a number.
        data_check: Read the annotations, and the headers of a few images, before anything else.
        skip_bad_images: How many images may be unreadable; others take their places.
        compile: Have torch compile the blocks of the backbone.

    Returns:
        The work directory.

    Raises:
        ConfigError: A setting cannot work.
        CheckpointError: A checkpoint cannot be read, or pretrained weights cannot be had.
        OutputError: The work directory cannot be written to.
        Stopped: A signal asked for it, and the training has been saved.
        ImportError: The library that the config is for is not installed.
    """
    cfg = prepare(
        config,
        data_of=('train_dataloader', 'val_dataloader'),
        mini=mini,
        all_classes=all_classes,
        data_root=data_root,
        cfg_options=cfg_options,
        launcher=launcher,
        work_dir=work_dir,
    )
    check_folder(cfg.work_dir)
    if amp:
        train_with_amp(cfg)
    if auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise ConfigError('`auto_scale_lr` needs auto_scale_lr.base_batch_size in the config')
        cfg.auto_scale_lr.enable = True
    parts = ('train_dataloader', 'val_dataloader')
    check_classes(cfg, parts)
    check_metrics(cfg)
    _check_length(cfg)
    _check_batch(cfg)
    data_notes = device_notes(amp)
    if data_check and not mini:
        data_notes += check_data_quickly(cfg, parts, images=not skip_bad_images)
    data_notes += skip_in_training(cfg, skip_bad_images) if skip_bad_images else []
    _save_whole_files(cfg)
    seed_batches(cfg)
    notes = _resume(cfg, resume, allow_non_finite)
    notes += [] if cfg.get('resume') else start_from_published(cfg, allow_non_finite)
    runner = build_runner(cfg)
    for note in data_notes + notes:
        print_log(note, logger='current')
    if mini:
        print_log('training on a small synthetic dataset, from random weights', logger='current')
    with stop_requests() as request, _explained(cfg, runner):
        hooks = (
            RandomStateHook(),
            DataPositionHook(),
            PendingGradientsHook(),
            LossCheckHook(),
            StopHook(request),
        )
        for hook in (*hooks, *([AmpHook()] if amp else []), *([CompileHook()] if compile else [])):
            runner.register_hook(hook)
        runner.train()
    return Path(runner.work_dir)


@contextmanager
def _explained(cfg: Config, runner: Any) -> Iterator[None]:
    """Failures that come from the settings, and do not say from which."""
    try:
        yield
    except (ConfigError, CheckpointError, OutputError) as error:
        _, in_a_worker, text = str(error).rpartition('ConfigError: ')
        if in_a_worker:  # of the data loader, with the whole way that it took there
            raise ConfigError(text.strip()) from None
        raise
    except OSError as error:
        if error.errno not in REFUSALS or error.filename is not None:
            raise
        reason = f'{error.strerror}; checkpoints are whole: `resume=True` goes on from the newest'
        raise OutputError(error.errno, reason, str(runner.work_dir)) from None
    except BatchTooSmallError:
        sampler = 'batch_sampler.' if cfg.train_dataloader.get('batch_sampler') else ''
        raise ConfigError(
            f'{_family(cfg)} got a batch of 1 image, which may be the last one of an epoch: set '
            f'train_dataloader.{sampler}drop_last=True, or model.backbone.norm_eval=True'
        ) from None
    except ValueError:
        if not runner.message_hub.get_info('iter'):  # runner.iter would build the dataset again
            check_not_empty(cfg, ('train_dataloader', 'val_dataloader'))
        raise


def _check_batch(cfg: Config) -> None:
    """See that a device gets enough images at a time, before all is built and loaded."""
    backbone = _backbone(cfg)
    if not is_builtin_type(backbone.get('type')):
        return
    least = families()[_family(cfg)].min_images_per_device
    fixed = backbone.get('norm_eval') or backbone.get('frozen_stages', -1) >= NUM_LEVELS
    shared = cfg.get('sync_bn') and cfg.launcher != 'none'
    if cfg.train_dataloader.get('batch_size', least) < least and not (fixed or shared):
        raise ConfigError(
            f'{_family(cfg)} needs {least} images on a device to train: set '
            f'train_dataloader.batch_size to {least} or more, or model.backbone.norm_eval=True'
        )


def _backbone(cfg: Config) -> Dict[str, Any]:
    return next(backbones_in(cfg.model), {})


def _family(cfg: Config) -> str:
    return kind_of(_backbone(cfg))


def _save_whole_files(cfg: Config) -> None:
    """Our CheckpointHook wherever a config has mmengine's, or would get it."""
    checkpoint = dict(type='CheckpointHook', interval=1)
    cfg.default_hooks = {'checkpoint': checkpoint, **(cfg.get('default_hooks') or {})}
    for hook in (cfg.default_hooks.checkpoint, *(cfg.get('custom_hooks') or ())):
        if hook and kind_of(hook) == 'CheckpointHook' and _is_mmengines(hook.type):
            hook.type = 'hybrid_backbones.CheckpointHook'


def _is_mmengines(kind: Any) -> bool:
    """Whether a hook is mmengine's own, under any of its names, and no one's subclass."""
    if isinstance(kind, type):
        return kind.__module__.startswith('mmengine.')
    package = str(kind).partition('.')[0]
    return package in ('CheckpointHook', 'mmengine', *LIBRARIES)


def _resume(cfg: Config, resume: Union[bool, str], allow_non_finite: bool) -> List[str]:
    """A path, or True for the newest whole checkpoint in the work dir; lines for the log.

    A config may ask for it as OpenMMLab's do: by ``resume=True``, with a path in ``load_from``.
    """
    if not resume and cfg.get('resume'):
        resume = cfg.get('load_from') or True
    cfg.resume = False
    if not resume:
        return []
    if resume is True:
        found = find_training_state(cfg.work_dir, allow_non_finite)
        if found is None:
            best = next(Path(cfg.work_dir).glob(f'{BEST}*.pth'), None)
            only = f'; {best.name} has weights alone' if best else ''
            return [f'no checkpoint in {cfg.work_dir} yet to resume from{only}: training begins']
    elif Path(resume).is_file():
        found = read_training_state(Path(resume), allow_non_finite)
    else:
        raise ConfigError(f'`resume`: no checkpoint file {resume}')
    check_fit(build_on_meta(cfg, 'the config'), found.content['state_dict'], str(found.path))
    forget_pretrained(cfg.model)
    seed = found.content['meta'].get('seed')
    randomness = cfg.get('randomness') or {}
    if seed is not None and randomness.get('seed') is None:
        cfg.randomness = {**randomness, 'seed': seed}  # the order of the data is drawn from it
    cfg.resume, cfg.load_from = True, hand_over(str(found.path), found.content)
    lines = [f'passed over: {line}' for line in found.passed_over]
    lines.append(f'resuming from {found.path}, after iteration {found.iteration}')
    if _is_over(cfg, found.content['meta']):
        lines.append('this was the last one: nothing is left to train')
    return lines


def _is_over(cfg: Config, meta: Dict[str, Any]) -> bool:
    limits = {name: cfg.train_cfg.get(f'max_{name}s') for name in ('epoch', 'iter')}
    return any(limit and meta[name] >= limit for name, limit in limits.items())


def _check_length(cfg: Config) -> None:
    """See that there is something to train."""
    for key in ('max_epochs', 'max_iters'):
        value = (cfg.get('train_cfg') or {}).get(key)
        if value is not None and (type(value) is not int or value < 1):
            raise ConfigError(
                f'train_cfg.{key} must be a whole number of at least 1, got {value!r}'
            )

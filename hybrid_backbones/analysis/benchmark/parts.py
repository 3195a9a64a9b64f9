"""What of a whole model's time goes to its parts, from the images to the results."""

import copy
import math
import time
from contextlib import nullcontext
from dataclasses import asdict, replace
from statistics import median
from typing import Any, ContextManager, Dict, Iterator, List, Optional, Tuple

import torch
from mmengine.config import Config
from torch import nn

from ...config.load import override
from ...errors import ConfigError
from ...openmmlab.heads import each_head
from ...utils.text import markdown_table
from ...utils.versions import where_and_when
from ...zoo.configs import is_config, read_config
from .autocast import autocast_dtype_of
from .loaded import loaded_images
from .networks import Whole
from .pipeline import run_pipeline
from .regions import count_regions, pin_candidates
from .runtimes import RUNTIMES
from .settings import Settings, check_settings, prepared
from .stopwatch import REST, Stopwatch
from .timing import Clock, Times, enough, synchronise
from .training_parts import TrainingStep

# of a child: a call, what a classifier calls, and what heads are entered by
ENTRIES = ('forward', 'forward_with_token', 'predict', 'loss', 'loss_and_predict')
# of an RoI head, the masks' branch
OF_MASKS = ('predict_mask', 'mask_loss')
# by library, the methods that make results of what heads return
POST_PROCESSING = dict(
    mmdet=('predict_by_feat', 'add_pred_to_datasample'),
    mmseg=('predict_by_feat', 'postprocess_result'),
    mmpose=('decode', 'add_pred_to_datasample'),
    mmpretrain=('_get_predictions',),
)
RESULTS, PROPOSALS, MASKS = 'post-processing', 'proposals', 'mask_head'


def measure_parts(settings: Settings, clock: Clock = time.perf_counter) -> Dict[str, Any]:
    """Time a test or a training step of a whole model, and what of it each part takes.

    A part is a module that the model holds, by its name (``data_preprocessor``, ``backbone``,
    ``neck``, ``decode_head``, ...); ``mask_head`` is the masks' branch of ``roi_head``,
    ``proposals`` what an RPN's outputs go through, NMS among it, ``post-processing`` what makes
    results of the last heads' outputs, and ``rest`` all else. A GPU is waited for at every border
    of parts.

    At inference, ``model.test_step`` looks at random images. With random weights hardly a class of
    a two-stage detector would pass its threshold: it is moved so that as many boxes go into the
    last NMS as there are proposals (:func:`.regions.pin_candidates`).

    In training, ``model.train_step`` gets what the config's train pipeline makes of a drawn
    photograph, and the config's optimizer; parts of modules are their forward passes and losses,
    and ``backward`` and ``optimizer`` follow. The pipeline is timed too.

    Args:
        settings: The network is a config. ``size`` is of the images at inference, and in training
            of the photograph that the pipeline loads. In a smaller type the model runs under
            autocast. Memory and a reference network are not for this.

    Returns:
        Numbers and strings that JSON can hold. ``seconds`` and ``parts`` are of calls for the
        whole batch; in each call (``all``) the parts add up to the whole. ``seconds`` of a part is
        that in the call whose whole time is the median (the shorter of the two in the middle), so
        that these add up too; ``median`` is the part's own. ``share`` is of the whole, ``calls``
        are in one call. ``regions`` is None for models without boxes and in training. ``pipeline``
        is None at inference; its seconds are of one image, ``workers`` that many keep up with the
        step, and ``image`` is the height and width of the batch.

    Raises:
        ConfigError: What the settings ask for is not there or not possible.
    """
    _check(settings)
    check_settings(settings)
    if settings.amp:  # as all smaller types are, here
        dtype = str(autocast_dtype_of(settings)).rpartition('.')[2]
        settings = replace(settings, dtype=dtype, amp=False)
    torch.set_num_threads(settings.threads)
    network = prepared(replace(settings, dtype='float32'))
    whole = network.module
    assert isinstance(whole, Whole)  # as all configs'
    cfg = read_config(settings.network)
    override(cfg, settings.options)
    device = torch.device(settings.device)

    def now() -> float:
        synchronise(device)
        return clock()

    timed = _train if settings.what == 'training' else _test
    return dict(
        settings=asdict(settings),
        **timed(settings, whole, cfg, network.in_channels, now),
        **where_and_when(settings.device),
    )


def _check(settings: Settings) -> None:
    if not is_config(settings.network):
        raise ConfigError(f'parts are those of a whole model: {settings.network} is no config')
    if settings.against:
        raise ConfigError('parts are timed of one model alone: leave out `against`')
    if settings.mode in RUNTIMES:
        raise ConfigError(f'parts are timed in torch, not in `mode={settings.mode}`')


def _test(
    settings: Settings, whole: Whole, cfg: Config, channels: int, clock: Clock
) -> Dict[str, Any]:
    data = loaded_images(whole.scope, cfg, settings.size, settings.batch, channels)
    step = OneTest(whole.model, data, settings)
    threshold = pin_candidates(whole.model, step)
    regions = count_regions(whole.model, step)
    if regions:
        regions['score_threshold'] = threshold
    where = places(whole.model, whole.scope)
    timed = _timed(step, where, settings, clock)
    return dict(**timed, regions=regions, pipeline=None)


def _train(
    settings: Settings, whole: Whole, cfg: Config, channels: int, clock: Clock
) -> Dict[str, Any]:
    batch, loading = run_pipeline(
        whole.scope, cfg, settings.size, settings.batch, settings.repeats, clock
    )
    dtype = getattr(torch, settings.dtype)
    step = TrainingStep(whole.model, whole.scope, cfg, batch, dtype, settings.device)
    image = step.image_size()
    where = places(step.model, whole.scope) + step.places()
    timed = _timed(step, where, settings, clock)
    each = timed['seconds']['median'] / settings.batch
    pipeline = dict(loading, image=image, workers=math.ceil(loading['median'] / each))
    return dict(**timed, regions=None, pipeline=pipeline)


def _timed(
    step: Any, where: List[Tuple[Any, str, str]], settings: Settings, clock: Clock
) -> Dict[str, Any]:
    repeats, warmup, limit = settings.repeats, settings.warmup, settings.limit
    return time_parts(step, where, repeats, warmup, clock, limit)


class OneTest:
    """One test of a batch, as mmengine's loop has it.

    Args:
        model: In eval mode, on the settings' device.
        data: As :func:`.loaded.loaded_images` makes it.
        settings: Of which type and device are asked.
    """

    def __init__(self, model: Any, data: Dict[str, Any], settings: Settings):
        self.model = model
        self._data = data
        self._dtype, self._device = getattr(torch, settings.dtype), settings.device
        self._given: Dict[str, Any] = {}

    def prepare(self) -> None:
        """What is not to be timed: samples that no call has written to."""
        self._given = copy.deepcopy(self._data)

    def __call__(self) -> Any:
        """The data samples, with predictions."""
        small: ContextManager[Any] = nullcontext()
        if self._dtype != torch.float32:
            small = torch.autocast(self._device, self._dtype)
        with torch.no_grad(), small:
            return self.model.test_step(self._given)


def places(model: nn.Module, library: str) -> List[Tuple[nn.Module, str, str]]:
    """Objects, methods and the parts that they are, for :meth:`Stopwatch.watching`."""
    found = []
    for name, child in model.named_children():
        for module in each_head(child):
            found += [(module, m, name) for m in ENTRIES if callable(getattr(module, m, None))]
    roi_head = getattr(model, 'roi_head', None)
    for method in OF_MASKS:
        if callable(getattr(roi_head, method, None)):
            found.append((roi_head, method, MASKS))
    return found + list(_post_processing(model, library))


def _post_processing(model: Any, library: str) -> Iterator[Tuple[nn.Module, str, str]]:
    rpn = getattr(model, 'rpn_head', None)
    for module in model.modules():
        for method in POST_PROCESSING[library]:
            if callable(getattr(module, method, None)):
                yield module, method, PROPOSALS if module is rpn else RESULTS


def time_parts(
    step: Any,
    where: List[Tuple[Any, str, str]],
    repeats: int,
    warmup: int,
    clock: Clock,
    limit: Optional[float] = None,
) -> Dict[str, Any]:
    """Call a step often.

    Args:
        step: It has ``prepare()``, which is not timed.
        where: As :func:`places` gives them.
        repeats: Calls that are timed.
        warmup: Calls before.
        clock: Tells the time in seconds.
        limit: Of seconds, as :func:`.timing.enough` takes it.

    Returns:
        ``seconds`` and ``parts`` as :func:`measure_parts` gives them.
    """
    watch, runs = Stopwatch(clock), []
    totals: List[float] = []
    with watch.watching(where):
        for turn in range(-warmup, repeats):
            if enough(turn, sum(totals), limit):
                break
            step.prepare()
            total = watch.time(step)
            if turn >= 0:
                totals.append(total)
                runs.append(watch.seconds)
    middle = sorted(range(len(totals)), key=totals.__getitem__)[(len(totals) - 1) // 2]
    names = [name for name in runs[middle] if name != REST] + [REST]
    whole = Times(tuple(totals))
    parts = {}
    for name in names:
        seconds = [run.get(name, 0.0) for run in runs]
        parts[name] = dict(
            seconds=seconds[middle],
            share=seconds[middle] / totals[middle],
            median=median(seconds),
            all=seconds,
            calls=watch.calls[name] if name != REST else 1,
        )
    return dict(
        seconds=dict(of_parts=totals[middle], median=whole.median, p95=whole.p95, all=totals),
        parts=parts,
    )


COLUMNS = (
    *('model', 'what', 'size', 'type', 'mode', 'format'),
    *('part', 'calls', 'time', 'share', 'median'),
)


def parts_table(results: List[Dict[str, Any]]) -> str:
    """The results as a Markdown table: a row for each part, and one for the whole."""
    rows: List[List[str]] = []
    for result in results:
        settings, seconds = result['settings'], result['seconds']
        height, width = (result['pipeline'] or {}).get('image') or settings['size']
        about = [
            f'`{settings["network"]}`',
            settings['what'],
            f'{settings["batch"]}x3x{height}x{width}',
            settings['dtype'],
            settings['mode'],
            settings['memory_format'],
        ]
        whole = dict(seconds=seconds['of_parts'], share=1.0, median=seconds['median'], calls=1)
        for name, part in [*result['parts'].items(), ('**all**', whole)]:
            rows.append([*about, name, *_numbers(part)])
    notes = [note for result in results for note in (_regions(result), _loading(result)) if note]
    return markdown_table(COLUMNS, rows) + ''.join(f'\n{note}\n' for note in notes)


def _numbers(part: Dict[str, Any]) -> List[str]:
    return [
        str(part['calls']),
        f'{1000 * part["seconds"]:.1f} ms',
        f'{part["share"]:.1%}',
        f'{1000 * part["median"]:.1f} ms',
    ]


def _regions(result: Dict[str, Any]) -> str:
    found = result['regions']
    if not found:
        return ''
    counts = [f'{found[what]} {what}' for what in ('proposals', 'detections', 'masks')]
    text = f'`{result["settings"]["network"]}` has random weights: {", ".join(counts)} in a batch'
    threshold = found['score_threshold']
    if threshold is None:
        return f'{text}.'
    return (
        f"{text}; `score_thr` is {threshold:.4f} in place of the config's, so that as many boxes "
        'as proposals go into NMS.'
    )


def _loading(result: Dict[str, Any]) -> str:
    found = result['pipeline']
    if not found:
        return ''
    settings = result['settings']
    height, width = settings['size']
    sides = 'x'.join(map(str, found['image']))
    return (
        f'`{settings["network"]}` trains on images of {sides}; its pipeline takes '
        f'{1000 * found["median"]:.1f} ms for one, from a photograph of {height}x{width}; workers '
        f'that keep up with the step: {found["workers"]}.'
    )

"""Where the time of a step goes, by kind of operator, and what bounds each kind.

A step cannot be faster than its operations at the rate of the machine's matrix products, nor than
what it reads and writes at the rate of a copy: the roofline (Williams et al. 2009,
https://doi.org/10.1145/1498765.1498785).
"""

import time
from collections import defaultdict
from dataclasses import asdict
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import conv_flop_count, flop_registry, sdpa_flop_count

from ...errors import ConfigError
from ...utils.text import markdown_table
from ...utils.versions import where_and_when
from .runtimes import RUNTIMES
from .settings import Settings, check_settings, make_ready
from .timing import Clock, Step, enough, matmul_rate, synchronise

GIGA = 1e9
COPY_BYTES = 2**28  # more than any cache holds
COPY_REPEATS = 7

# by what an operator's name holds, in this order; an operator's gradient is of the same kind
KINDS = {
    'attention': ('scaled_dot_product', 'flash_attention'),
    'matrix product': ('.mm', 'addmm', 'bmm', 'baddbmm', 'linear'),
    'norm': ('batch_norm', 'layer_norm', 'group_norm'),
    'activation': ('gelu', 'relu', 'silu', 'sigmoid', 'softmax', 'clamp', 'threshold', 'tanh'),
    'copy': ('copy', 'clone', 'cat', 'index', 'pad', 'fill', 'zero', 'slice_backward', 'gather'),
    'resize': ('upsample', 'pool'),
    'sum or product': ('add', 'mul', 'sub', 'div', 'sum', 'mean', 'pow', 'sqrt'),
}
FILLING = ('aten::copy_', 'aten::fill_', 'aten::zero_')
DEPTHWISE, POINTWISE, DENSE = 'depthwise convolution', '1x1 convolution', 'convolution'
OTHER = 'other'


class Call(NamedTuple):
    """One call of an operator.

    Args:
        kind: As readers of a profile name it.
        seconds: That it took.
        flops: Operations, two a multiply-add; 0 but for convolutions, products and attention.
        nbytes: Of the tensors that it reads and writes, each once.
    """

    kind: str
    seconds: float
    flops: int
    nbytes: int


class _Recorder(TorchDispatchMode):
    def __init__(self, clock: Clock, wait: Callable[[], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: List[Call] = []
        self.clock, self.wait = clock, wait

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Optional[Dict[str, Any]] = None
    ) -> Any:
        start = self.clock()
        output = func(*args, **(kwargs or {}))
        self.wait()
        seconds = self.clock() - start
        if not _is_view(func):
            kind, flops = kind_of(str(func), args), _flops(func, args, output)
            self.calls.append(Call(kind, seconds, flops, _nbytes(func, args, kwargs, output)))
        return output


def _is_view(func: Any) -> bool:
    """Whether an operator returns its input under another shape, or memory without content."""
    returns = func._schema.returns
    views = any(r.alias_info is not None and not r.alias_info.is_write for r in returns)
    return views or func._schema.name in ('aten::empty', 'aten::detach', 'aten::empty_like')


def kind_of(name: str, args: Tuple[Any, ...] = ()) -> str:
    """The kind of an operator.

    Args:
        name: Such as ``aten.gelu.default``.
        args: What it is called with, which tells convolutions apart.
    """
    if 'conv' in name:
        return _convolution(args, backward='backward' in name)
    for kind, parts in KINDS.items():
        if any(part in name for part in parts):
            return kind
    return OTHER


def _convolution(args: Tuple[Any, ...], backward: bool) -> str:
    weight = _weight(args, backward)
    if weight.shape[1] == 1 and weight.shape[0] > 1:
        return DEPTHWISE
    return POINTWISE if weight.shape[2:].numel() == 1 else DENSE


def _weight(args: Tuple[Any, ...], backward: bool) -> Tensor:
    """Of a convolution's arguments; its gradient has that of the output before."""
    tensors = [arg for arg in args if isinstance(arg, Tensor)]
    return tensors[2 if backward else 1]


def _flops(func: Any, args: Tuple[Any, ...], output: Any) -> int:
    name = str(func)
    if 'conv' in name:
        backward = 'backward' in name
        tensors = [arg for arg in args if isinstance(arg, Tensor)]
        if backward:
            grad, image, weight = tensors[:3]
            wanted = sum(bool(each) for each in args[-1][:2])  # of image and weight
            return wanted * conv_flop_count(list(image.shape), list(weight.shape), list(grad.shape))
        image, weight = tensors[:2]
        return conv_flop_count(list(image.shape), list(weight.shape), list(output.shape))
    if 'attention' in name:
        backward = 'backward' in name
        q, k, v = args[1:4] if backward else args[:3]
        forward = sdpa_flop_count(q.shape, k.shape, v.shape)
        # scores again, then two products for each of the two
        return 5 * forward // 2 if backward else forward
    if 'linear' in name:
        rows, weight = args[0].shape[:-1].numel(), args[1]
        return int(2 * rows * weight.numel())
    count = flop_registry.get(getattr(func, '_overloadpacket', None))
    return int(count(*args, out_val=output)) if count else 0


def _nbytes(func: Any, args: Tuple[Any, ...], kwargs: Any, output: Any) -> int:
    """Of all tensors that an operator reads and writes; what it only fills counts once."""
    filled = func._schema.name in FILLING
    leaves = tree_leaves((args[1:] if filled else args, kwargs, output))
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    # an expanded tensor has less in memory than it shows
    return sum(min(x.nbytes, x.untyped_storage().nbytes()) for x in tensors)


def operators(settings: Settings, clock: Clock = time.perf_counter) -> Dict[str, Any]:
    """Profile one step, by kinds of operators.

    Every operator is waited for, so that the step takes longer than in :func:`measure`.

    Returns:
        ``seconds`` of the step, of which ``rest`` is Python's and torch's own; the rates of
        ``matmul`` (operations per second) and ``copy`` (bytes per second); and ``kinds``, the
        longest first: name, ``calls``, ``seconds``, ``flops``, ``bytes``, ``share`` of the time,
        and ``roof``, the share of the time that either rate would need, under the name of the
        longer one in ``bound``. And ``settings``, ``machine``, ``versions`` and ``date``.

    Raises:
        ConfigError: What the settings ask for is not there or not possible.
    """
    check_settings(settings)
    if 'compiled' in settings.mode or settings.mode in RUNTIMES:
        raise ConfigError(
            f'no operators of torch are seen in `mode={settings.mode}`: use eager or folded'
        )
    torch.set_num_threads(settings.threads)
    module, image = make_ready(settings)
    training = settings.what == 'training'
    step = Step(module, image, training)
    for _ in range(settings.warmup):
        _record(step, clock)
    rates = matmul_rate(image.dtype, settings.device), copy_rate(settings.device)
    runs: List[Tuple[float, List[Call]]] = []
    for turn in range(settings.repeats):
        if enough(turn, sum(run[0] for run in runs), settings.limit):
            break
        runs.append(_record(step, clock))
    seconds, calls = sorted(runs, key=lambda run: run[0])[(len(runs) - 1) // 2]
    kinds = summarise(calls, seconds, *rates)
    rest = seconds - sum(call.seconds for call in calls)
    return dict(
        settings=asdict(settings),
        seconds=seconds,
        rest=rest,
        matmul=rates[0],
        copy=rates[1],
        kinds=kinds,
        **where_and_when(settings.device),
    )


def _record(step: Step, clock: Clock) -> Tuple[float, List[Call]]:
    step.prepare()
    start = clock()
    with _Recorder(clock, lambda: synchronise(step.image.device)) as recorder:
        if step.training:
            step()
        else:
            with torch.no_grad():  # inference mode would show operators that are made of others
                step.module(step.image)
    return clock() - start, recorder.calls


def copy_rate(device: str, clock: Clock = time.perf_counter) -> float:
    """Bytes per second, read and written, of a copy that no cache holds."""
    source = torch.ones(COPY_BYTES // 4, device=device)
    target = torch.ones_like(source)
    seconds = []
    for _ in range(COPY_REPEATS):
        synchronise(source.device)
        start = clock()
        target.copy_(source)
        synchronise(source.device)
        seconds.append(clock() - start)
    return 2 * source.nbytes / min(seconds)


def summarise(calls: List[Call], total: float, matmul: float, copy: float) -> List[Dict[str, Any]]:
    """Calls by kind, the longest kind first.

    Args:
        calls: Of one step.
        total: Seconds of the step.
        matmul: Operations per second that the machine reaches in a matrix product.
        copy: Bytes per second that it reads and writes in a copy.
    """
    groups: Dict[str, List[Call]] = defaultdict(list)
    for call in calls:
        groups[call.kind].append(call)
    kinds = [_kind(name, group, total, matmul, copy) for name, group in groups.items()]
    return sorted(kinds, key=lambda kind: -kind['seconds'])


def _kind(name: str, calls: List[Call], total: float, matmul: float, copy: float) -> Dict[str, Any]:
    seconds = sum(call.seconds for call in calls)
    # call by call: one may be bound by the rate of products, the next one by copying
    rate = sum(call.flops for call in calls) / matmul
    traffic = sum(call.nbytes for call in calls) / copy
    roof = sum(max(call.flops / matmul, call.nbytes / copy) for call in calls)
    return dict(
        name=name,
        calls=len(calls),
        seconds=seconds,
        flops=sum(call.flops for call in calls),
        bytes=sum(call.nbytes for call in calls),
        share=seconds / total,
        roof=roof / seconds if seconds else 0.0,
        bound='rate' if rate > traffic else 'traffic',
    )


COLUMNS = ('operators', 'calls', 'time', 'ms', 'GFLOP/s', 'GB/s', 'of the roof', 'bound by')
ROOFS = dict(rate='matrix products', traffic='copies')


def table(result: Dict[str, Any], least: float = 0.0) -> str:
    """What :func:`operators` returned as a Markdown table.

    Args:
        result: Of :func:`operators`.
        least: The share of the time below which a kind is left to the last row.
    """
    kinds = [kind for kind in result['kinds'] if kind['share'] >= least]
    rest = 1 - sum(kind['share'] for kind in kinds)
    rows = [
        (
            *(kind['name'], kind['calls'], f'{kind["share"]:.0%}'),
            f'{1000 * kind["seconds"]:.0f}',
            f'{kind["flops"] / kind["seconds"] / GIGA:.0f}' if kind['flops'] else '-',
            f'{kind["bytes"] / kind["seconds"] / GIGA:.0f}',
            f'{kind["roof"]:.0%}',
            ROOFS[kind['bound']],
        )
        for kind in kinds
    ]
    last = ('all else, Python', '', f'{rest:.0%}', f'{1000 * rest * result["seconds"]:.0f}')
    return markdown_table(COLUMNS, [*rows, (*last, *[''] * 4)])


def operators_table(results: List[Dict[str, Any]], least: float = 0.0) -> str:
    """A table for each step, below a line that says of what, and the machine's two rates."""
    return '\n'.join(f'{_title(result)}\n\n{table(result, least)}' for result in results)


def _title(result: Dict[str, Any]) -> str:
    settings = result['settings']
    height, width = settings['size']
    return (
        f'`{settings["network"]}`, {settings["what"]}, {settings["mode"]}, '
        f'{settings["batch"]}x3x{height}x{width}, {settings["dtype"]}: {result["seconds"]:.2f} s; '
        f'matrix products {result["matmul"] / GIGA:.0f} GFLOP/s, copies '
        f'{result["copy"] / GIGA:.0f} GB/s.'
    )

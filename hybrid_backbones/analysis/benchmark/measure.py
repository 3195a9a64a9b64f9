"""Speed and memory of a network, as numbers for JSON and as a Markdown table."""

import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Optional

import torch

from ...complexity.activations import count_activations
from ...complexity.backbone import count_parameters
from ...utils.files import write_json
from ...utils.text import markdown_table
from ...utils.versions import installed_version, where_and_when
from .autocast import autocast_dtype_of, type_text
from .networks import Whole, build_network, package_of
from .peak_memory import peak_memory
from .runtimes import Runtime, runtime_versions
from .settings import Settings, check_settings, from_dict, make_ready
from .timing import Clock, Step, Times, alternate, matmul_rate, pairwise_ratios

# the gradients of a layer's input and of its weights take one forward pass' operations each
TRAINING_FACTOR = 3
GIGA = 1e9


def measure(settings: Settings, clock: Clock = time.perf_counter) -> Dict[str, Any]:
    """Time a network, alone or in turns with another, and measure its peak memory.

    Returns:
        Numbers and strings that JSON can hold. ``seconds`` are of one call for the whole batch,
        and so are ``gmacs``, 1e9 multiply-adds of the network before folding (three times the
        forward pass' for a training step). ``activations`` are of one image, and None for a whole
        model. ``gflops_per_second`` counts two operations a
        multiply-add; ``share`` is that over ``matmul_gflops_per_second``. ``memory_gib`` and
        ``against`` are None where they were not asked for; ``against.ratio`` is the median of
        ``against.ratios``, the network's time over the reference's in the same turn.

    Raises:
        ConfigError: What the settings ask for is not there or not possible.
        ExportError: A runtime cannot run the network, or computes something else.
    """
    check_settings(settings)
    torch.set_num_threads(settings.threads)
    training = settings.what == 'training'
    module, image = make_ready(settings)
    steps = {'network': Step(module, image, training)}
    if settings.against:
        steps['against'] = Step(*make_ready(settings.of_reference()), training)
    file = str(module.path) if isinstance(module, Runtime) else None
    memory = peak_memory(settings, file) if settings.memory else None
    rate = matmul_rate(autocast_dtype_of(settings), settings.device)
    times, order = alternate(steps, settings.repeats, settings.warmup, clock, settings.limit)
    return report(settings, costs_of(settings), times, order, rate, memory)


@dataclass(frozen=True)
class Costs:
    """What a network costs, never folded.

    Args:
        params: How many numbers are learnt.
        macs: Multiply-adds of the forward pass for one image.
        activations: Of one image, as timm counts them; None for a whole model.
    """

    params: int
    macs: int
    activations: Optional[int]


def costs_of(settings: Settings) -> Costs:
    """Count the costs of a network at an image size, with a network of its own."""
    network = build_network(settings.network, settings.options)
    macs = network.flops(*settings.size)
    activations = None
    if not isinstance(network.module, Whole):
        image = torch.empty(1, network.in_channels, *settings.size, device='meta')
        activations = count_activations(network.module.to('meta').eval(), image)
    return Costs(count_parameters(network.module), macs, activations)


def report(
    settings: Settings,
    costs: Costs,
    times: Dict[str, Times],
    order: List[str],
    rate: float,
    memory: Optional[Dict[str, float]],
) -> Dict[str, Any]:
    """What :func:`measure` returns, of what has been measured.

    Args:
        settings: What has been measured.
        costs: Of the network.
        times: Of ``'network'``, and of ``'against'`` if there is one.
        order: In which the calls were made.
        rate: Operations a second of the device's matrix products.
        memory: In GiB.
    """
    factor = TRAINING_FACTOR if settings.what == 'training' else 1
    macs = costs.macs * settings.batch * factor
    speed = 2 * macs / times['network'].median
    about = where_and_when(settings.device)
    about['versions'].update(_versions_beside_torch(settings))
    return dict(
        settings=asdict(settings),
        params=costs.params,
        seconds=_describe(times['network']),
        images_per_second=settings.batch / times['network'].median,
        gmacs=macs / GIGA,
        activations=costs.activations,
        gflops_per_second=speed / GIGA,
        matmul_gflops_per_second=rate / GIGA,
        share=speed / rate,
        memory_gib=memory,
        against=_compare(settings.against, times) if settings.against else None,
        order=order,
        **about,
    )


def _versions_beside_torch(settings: Settings) -> Dict[str, str]:
    """Of the runtime, and of whose network it is compared with."""
    found = dict(runtime_versions(settings.mode))
    package = package_of(settings.against or '')
    number = installed_version(package) if package else ''
    if number:
        found[package] = number
    return found


def _describe(times: Times) -> Dict[str, Any]:
    return dict(median=times.median, p95=times.p95, all=list(times.seconds))


def _compare(name: str, times: Dict[str, Times]) -> Dict[str, Any]:
    ratios = pairwise_ratios(times['network'], times['against'])
    return dict(
        network=name,
        seconds=_describe(times['against']),
        ratio=Times(ratios).median,
        ratios=list(ratios),
    )


COLUMNS = (
    'network',
    'what',
    'size',
    'type',
    'mode',
    'format',
    'median',
    'p95',
    'images/s',
    'GFLOPs',
    'GFLOP/s',
    'of matrix products',
    'memory before -> peak',
    'against',
)


def table(results: List[Dict[str, Any]]) -> str:
    """The results as a Markdown table."""
    return markdown_table(COLUMNS, map(_row, results))


def _row(result: Dict[str, Any]) -> List[str]:
    settings = result['settings']
    options = [f'{key}={value}' for key, value in settings['options'].items()]
    height, width = settings['size']
    against = result['against']
    return [
        ' '.join([f'`{settings["network"]}`', *options]),
        settings['what'],
        f'{settings["batch"]}x3x{height}x{width}',
        type_text(settings),
        settings['mode'],
        settings['memory_format'],
        f'{1000 * result["seconds"]["median"]:.1f} ms',
        f'{1000 * result["seconds"]["p95"]:.1f} ms',
        f'{result["images_per_second"]:.3g}',
        f'{result["gmacs"]:.1f}',
        f'{result["gflops_per_second"]:.1f}',
        f'{result["share"]:.0%}',
        memory_text(result['memory_gib']),
        f'{against["ratio"]:.2f} x `{against["network"]}`' if against else '-',
    ]


def memory_text(memory: Optional[Dict[str, float]]) -> str:
    """Before and at the peak, in GiB."""
    return f'{memory["before"]:.2f} -> {memory["peak"]:.2f} GiB' if memory else '-'


if __name__ == '__main__':  # settings as JSON, and the file to write
    write_json(sys.argv[2], measure(from_dict(json.loads(sys.argv[1]))))

"""A network in ONNX Runtime or OpenVINO, called as torch's modules are."""

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

import torch
from torch import Tensor, nn

from ...deploy.exporting.export import quiet
from ...deploy.exporting.formats import (
    DEFAULT_OPSET,
    NO_LABELS,
    ONNX_PACKAGES,
    Run,
    check_packages,
    write_onnx,
)
from ...deploy.exporting.of_images import OfImages
from ...deploy.exporting.trace import INPUT, trace
from ...deploy.exporting.verify import TOLERANCE, compare, draw_constants
from ...errors import ConfigError, ExportError, one_line
from ...utils.versions import installed_version
from .networks import Network, Whole, build_network

if TYPE_CHECKING:
    from .settings import Settings

FLOAT32 = 'float32'
# of an output's standard deviation. The last bit of bfloat16 is 0.004 of a number, and a network
# of twenty blocks multiplies that by about ten at the worst of all positions.
TOLERANCES = {FLOAT32: TOLERANCE, 'bfloat16': 0.5}


class Loaded(NamedTuple):
    """A file in a runtime.

    Args:
        run: A function of images ``(batch, in_channels, H, W)``; what it returns may be
            overwritten by the next call.
        in_channels: Of the images.
    """

    run: Run
    in_channels: int


def load_onnxruntime(path: Path, batch: int, threads: int, dtype: str) -> Loaded:
    """By its CPU provider."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    options.add_free_dimension_override_by_name('batch', batch)
    # threads that wait busily would take the cores from who has the next turn
    options.add_session_config_entry('session.force_spinning_stop', '1')
    session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])

    def run(images: Tensor) -> Sequence[Tensor]:
        return [torch.from_numpy(each) for each in session.run(None, {INPUT: images.numpy()})]

    return Loaded(run, session.get_inputs()[0].shape[1])


def load_openvino(path: Path, batch: int, threads: int, dtype: str) -> Loaded:
    """By its CPU plugin, in the precision that is asked for: by itself it takes bfloat16 where
    the processor has it."""
    import openvino

    core = openvino.Core()
    model = core.read_model(str(path))
    _, in_channels, height, width = (
        dim.get_length() if dim.is_static else batch for dim in model.input(0).partial_shape
    )
    model.reshape([batch, in_channels, height, width])
    precision = dict(float32='f32', bfloat16='bf16')[dtype]
    settings = dict(
        INFERENCE_PRECISION_HINT=precision,
        INFERENCE_NUM_THREADS=threads,
        PERFORMANCE_HINT='LATENCY',
    )
    compiled = core.compile_model(model, 'CPU', settings)
    request = compiled.create_infer_request()

    def run(images: Tensor) -> Sequence[Tensor]:
        request.infer([images.numpy()], share_inputs=True)
        return [torch.from_numpy(output.data) for output in request.output_tensors]

    return Loaded(run, in_channels)


class Kind(NamedTuple):
    """A runtime.

    Args:
        load: Reads a file for a batch, a number of threads and a type to compute in.
        packages: What it needs, the exporter's packages among them.
        extras: Of this package, that install those.
        dtypes: That it can compute in.
    """

    load: Callable[[Path, int, int, str], Loaded]
    packages: Sequence[str]
    extras: str
    dtypes: Sequence[str]


RUNTIMES: Dict[str, Kind] = dict(
    onnxruntime=Kind(load_onnxruntime, ONNX_PACKAGES, 'onnx', (FLOAT32,)),
    openvino=Kind(
        load_openvino, (*ONNX_PACKAGES, 'openvino'), 'onnx,openvino', (FLOAT32, 'bfloat16')
    ),
)


class Runtime(nn.Module):
    """An exported network; it has no weights that torch knows of.

    Args:
        loaded: What runs it.
        path: Of the file.
        folder: Holds the file, which goes with the module; None: it is somebody else's.
    """

    def __init__(
        self,
        loaded: Loaded,
        path: Path,
        folder: 'Optional[tempfile.TemporaryDirectory[str]]' = None,
    ):
        super().__init__()
        self.run = loaded.run
        self.path = path
        self.folder = folder

    def forward(self, images: Tensor) -> Sequence[Tensor]:
        """``(N, C, H, W)`` to all outputs, which may be overwritten by the next call."""
        return self.run(images)


def check_runtime(settings: 'Settings') -> None:
    """See that a runtime can do what is asked for, before anything is built.

    Raises:
        ConfigError: It cannot, or a package is missing.
    """
    mode = f'`mode={settings.mode}`'
    kind = RUNTIMES[settings.mode]
    if settings.what != 'inference':
        raise ConfigError(f'{mode} is for inference: networks are trained by torch')
    if settings.device != 'cpu':
        raise ConfigError(f'{mode} is measured on a CPU: `device=cpu`')
    if settings.amp:
        raise ConfigError(f"{mode} does not go with `amp`, which is torch's")
    if settings.dtype not in kind.dtypes:
        raise ConfigError(f'{mode} computes in {" or ".join(kind.dtypes)}, not in {settings.dtype}')
    if settings.memory_format != 'contiguous':
        raise ConfigError(f'{mode} orders memory itself: leave `memory_format=contiguous`')
    missing = [package for package in kind.packages if find_spec(package) is None]
    if missing:
        raise ConfigError(
            f"{mode} needs {', '.join(missing)}: pip install 'hybrid_backbones[{kind.extras}]'"
        )
    check_packages('onnx')


def make_runtime(settings: 'Settings', file: Optional[str] = None) -> Tuple[Runtime, Tensor]:
    """Fold and export a network with random weights, and load it in the runtime.

    Args:
        settings: With one of ``RUNTIMES`` as mode, checked already.
        file: What has been exported for these settings, and compared; None: it is done now.

    Returns:
        The module to call, and images ``(N, C, H, W)``.

    Raises:
        ConfigError: There is no such network, or it cannot be exported.
        ExportError: The runtime cannot run it, or computes something else than torch.
    """
    torch.manual_seed(0)
    if file is None:
        runtime, in_channels = _export(settings)
    else:
        loaded = _load(settings, Path(file))
        runtime, in_channels = Runtime(loaded, Path(file)), loaded.in_channels
    return runtime, torch.randn(settings.batch, in_channels, *settings.size)


def another_runtime(settings: 'Settings', exported: Runtime) -> Tuple[Runtime, Tensor]:
    """Load what :func:`make_runtime` has exported in another runtime.

    Args:
        settings: Those of the first one but for the mode.
        exported: The first one, which has been compared with torch.

    Returns:
        As :func:`make_runtime`.

    Raises:
        ExportError: The runtime cannot run it, or computes something else than the first one.
    """
    runtime, images = make_runtime(settings, str(exported.path))
    runtime.folder = exported.folder  # the file stays for both
    _check_outputs(settings, runtime, exported, images.shape[1])
    return runtime, images


def _export(settings: 'Settings') -> Tuple[Runtime, int]:
    network = build_network(settings.network, settings.options)
    _check_network(settings, network)
    from ...deploy import fold

    holder: Any = network.holder
    draw_constants(network.module.eval())
    holder.backbone = fold(holder.backbone)
    network.module.requires_grad_(False)
    whole = OfImages(network.module, network.in_channels).eval()
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / 'network.onnx'
    with quiet():
        write_onnx(trace(whole, settings.size, settings.batch), path, DEFAULT_OPSET, NO_LABELS)
    runtime = Runtime(_load(settings, path), path, folder)
    _check_outputs(settings, runtime, whole, network.in_channels)
    return runtime, network.in_channels


def _check_outputs(
    settings: 'Settings', runtime: Runtime, expected: Union[OfImages, Runtime], in_channels: int
) -> None:
    shapes = [(settings.batch, *settings.size)]
    (difference,) = compare(runtime, expected, shapes, in_channels)
    if not difference.relative <= TOLERANCES[settings.dtype]:
        reference = 'PyTorch' if isinstance(expected, OfImages) else 'another runtime'
        raise ExportError(
            f'{settings.network} in {settings.mode} is {difference.relative:.1e} standard '
            f'deviations of an output from {reference}, more than '
            f'{TOLERANCES[settings.dtype]:.0e}: nothing is timed'
        )


def _check_network(settings: 'Settings', network: Network) -> None:
    if network.holder is None:
        raise ConfigError(
            f'`mode={settings.mode}` is for built-in backbones, and for models that have one'
        )
    if isinstance(network.module, Whole) and network.module.scope == 'mmdet':
        raise ConfigError(
            f'`mode={settings.mode}`: {settings.network} is a detector, which is not exported '
            'whole: name its backbone, or a segmentor or pose estimator'
        )


def _load(settings: 'Settings', path: Path) -> Loaded:
    load = RUNTIMES[settings.mode].load
    try:
        return load(path, settings.batch, settings.threads, settings.dtype)
    except Exception as error:  # each runtime has errors of its own
        raise ExportError(
            f'{settings.mode} cannot read {settings.network}: {one_line(error)}'
        ) from error


def runtime_versions(mode: str) -> Mapping[str, str]:
    """Of what a mode runs on beside torch."""
    packages = (*ONNX_PACKAGES, mode) if mode in RUNTIMES else ()
    return {package: installed_version(package) for package in packages}

"""The files that a traced network can be written to, and running them."""

import io
import json
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable, Dict, Mapping, NamedTuple, Sequence

import torch
from torch import Tensor

from ...errors import ConfigError
from .trace import INPUT

OPSETS = range(18, 24)  # what torch's exporter writes
DEFAULT_OPSET = 20  # the first with the exact GELU as one operation
ONNX_PACKAGES = ('onnx', 'onnxscript', 'onnxruntime')

EXTRA = 'labels.json'  # of torch's files: what ONNX has as metadata

Run = Callable[[Tensor], Sequence[Tensor]]


class Labels(NamedTuple):
    """What a file says of itself.

    Args:
        outputs: Names of the outputs; by default ``level_0`` and so on, in the order of
            ``out_indices``.
        metadata: Of the whole file, by name.
    """

    outputs: Sequence[str] = ()
    metadata: Mapping[str, str] = MappingProxyType({})


NO_LABELS = Labels()


def write_onnx(
    program: torch.export.ExportedProgram, path: Path, opset: int, labels: Labels
) -> None:
    """Write one file with all weights in it; the input is ``images``."""
    levels = len(program.graph_signature.user_outputs)
    symbolic = {0: 'batch', 2: 'height', 3: 'width'}
    images = next(node for node in program.graph.nodes if node.name == INPUT).meta['val']
    symbolic = {dim: name for dim, name in symbolic.items() if type(images.shape[dim]) is not int}
    written = torch.onnx.export(
        program,
        (),
        dynamo=True,
        opset_version=opset,
        input_names=[INPUT],
        output_names=list(labels.outputs) or [f'level_{i}' for i in range(levels)],
        dynamic_shapes={INPUT: symbolic},
        verbose=False,
        optimize=False,
    )
    assert written is not None  # it is with dynamo=True
    _simplify(written.model)
    written.model.metadata_props.update(labels.metadata)
    written.save(str(path), external_data=False)


def _simplify(model: Any) -> None:
    """Compute what is constant, and leave out what is not used, **in place**.

    Of what ``optimize=True`` does, all but onnxscript's patterns: one of them tries all pairs of
    operators, which takes minutes for HRFormer, and runtimes have such patterns themselves.
    """
    import onnxscript.optimizer
    from onnx_ir.passes import common

    onnxscript.optimizer.inline(model)
    onnxscript.optimizer.fold_constants(model)
    for simplify in (
        common.RemoveUnusedNodesPass(),
        common.RemoveUnusedFunctionsPass(),  # type: ignore[no-untyped-call]
        common.RemoveUnusedOpsetsPass(),
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        common.LiftSubgraphInitializersToMainGraphPass(),
        common.DeduplicateInitializersPass(),
        common.CommonSubexpressionEliminationPass(),
        common.OutputFixPass(),
        common.NameFixPass(),
    ):
        simplify(model)


def run_onnx(path: Path) -> Run:
    """A function of images, computed by onnxruntime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
    return lambda x: [torch.from_numpy(level) for level in session.run(None, {INPUT: x.numpy()})]


def write_torch(
    program: torch.export.ExportedProgram, path: Path, opset: int, labels: Labels
) -> None:
    """Write what ``torch.export.load`` reads; ``opset`` is ONNX's and means nothing here.

    Labels are JSON in the extra file ``EXTRA``, where there are some.
    """
    buffer = io.BytesIO()  # torch's own writer aborts the process where a disk is full
    told = dict(outputs=list(labels.outputs), **labels.metadata)
    extra = {EXTRA: json.dumps(told)} if labels != NO_LABELS else {}
    torch.export.save(program, buffer, extra_files=extra)
    path.write_bytes(buffer.getbuffer())


def run_torch(path: Path) -> Run:
    """A function of images, computed by torch."""
    return torch.export.load(path).module()


class Format(NamedTuple):
    """A kind of file.

    Args:
        suffix: How its name ends.
        write: Writes a traced network.
        run: Reads the file again.
        packages: What both need beside torch.
    """

    suffix: str
    write: Callable[[torch.export.ExportedProgram, Path, int, Labels], None]
    run: Callable[[Path], Run]
    packages: Sequence[str] = ()


FORMATS: Dict[str, Format] = {
    'onnx': Format('.onnx', write_onnx, run_onnx, ONNX_PACKAGES),
    'torch': Format('.pt2', write_torch, run_torch),
}


def check_packages(name: str) -> None:
    """See that a format can be written and read here.

    Raises:
        ConfigError: A package is missing, or torch is too old.
    """
    missing = [package for package in FORMATS[name].packages if find_spec(package) is None]
    if missing:
        raise ConfigError(
            f'`format={name}` needs {", ".join(missing)}: pip install {" ".join(missing)}'
        )
    if not hasattr(torch.compiler, 'is_exporting'):
        raise ConfigError(f'exporting needs torch 2.9 or later, this is {torch.__version__}')

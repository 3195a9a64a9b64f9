"""The front door: every command, what it imports, and what it says where something is missing."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import hybrid_backbones
from hybrid_backbones.cli import describe
from hybrid_backbones.cli.arguments import with_flags
from hybrid_backbones.cli.main import COMMANDS, build_parser
from tests.tools.commands import PROJECT, environment, run

OPTIONAL = ('mmcv', 'mmdet', 'mmseg', 'mmpose', 'onnx', 'onnxscript', 'onnxruntime', 'safetensors')
OPTIONAL += ('mmsegmentation', 'shtab')
MASK_RCNN, POSE = 'maskrcnn_uniformer_xxs_1x', 'topdown_hrformer_t_210e_coco_256x192'
SEMANTIC_FPN = 'semanticfpn_uniformer_xxs_80k_ade20k'


def test_names(command):
    result = command('--help')
    assert result.status == 0
    for name in COMMANDS:
        assert f'\n    {name}' in result.out
    assert command('--version').out == f'hybrid-backbones {hybrid_backbones.__version__}\n'


@pytest.mark.parametrize('name', COMMANDS)
def test_help(command, name):
    result = command(name, '--help')
    assert result.status == 0
    assert result.out.startswith(f'usage: hybrid-backbones {name} ')


@pytest.mark.parametrize(
    'arguments, part',
    [
        ([], 'COMMAND'),
        (['trian'], "'trian' (choose from"),
        (['train'], 'config'),
        (['train', 'a.py', '--epochs', '3'], '--epochs'),
        (['train', 'a.py', '--cfg-options', 'model'], "--cfg-options takes KEY=VALUE, got 'model'"),
        (['train', 'a.py', '--cfg-options', 'x=[1,2'], 'lists are [A,B]'),
        (['train', 'a.py', '--cfg-options', "x={'a':(1,2)}"], 'a dict is set key by key'),
        (['--print-completion', 'fish'], "'fish'"),
    ],
)
def test_refusals(command, arguments, part):
    assert part in command(*arguments).refusal


@pytest.mark.parametrize('shell', ['bash', 'zsh'])
def test_completion(command, shell):
    pytest.importorskip('shtab')
    result = command('--print-completion', shell)
    assert result.status == 0
    for word in ('training-memory', '--auto-scale-lr', '--opset'):
        assert word in result.out


def test_flags_of_arguments():
    """A message names arguments as Python does; a command names its flags."""
    args = build_parser('predict').parse_args(['predict', 'a.py', 'a.jpg'])
    message = '`score_thr` or `out=DIR` or `mini=True`, `other=3`: a `b`'
    assert with_flags(message, args) == '--score-thr or --out DIR or --mini, `other=3`: a `b`'
    args = build_parser('train').parse_args(['train', 'a.py'])
    assert with_flags('`data_check=False` begins', args) == '--no-data-check begins'


@pytest.mark.parametrize(
    'module, line',
    [
        ('mmdet.apis', "MMDetection: pip install 'hybrid_backbones[openmmlab]'"),
        ('nothing_of_the_kind', 'nothing_of_the_kind: pip install nothing_of_the_kind'),
    ],
)
def test_a_missing_package(command, monkeypatch, module, line):
    """One line and status 2; a broken import of our own is an error to be seen."""
    monkeypatch.setattr(
        'hybrid_backbones.utils.packages.is_missing', lambda package: package != 'json'
    )

    def run(args):
        raise ModuleNotFoundError(f'No module named {module!r}', name=module)

    monkeypatch.setattr(describe, 'run', run)
    refusal = command('describe', 'cvt_13').refusal
    assert refusal == f'hybrid-backbones describe needs {line}\n'
    for module in ('hybrid_backbones.gone', 'json'):  # noqa: B007
        with pytest.raises(ModuleNotFoundError):
            command('describe', 'cvt_13')


def test_list(command):
    lines = command('list').out.splitlines()
    assert lines[0].split() == ['name', 'family', 'parameters', 'channels', 'weights']
    assert len(lines) == 1 + len(hybrid_backbones.list_backbones())
    (row,) = json.loads(command('list', 'backbones', '*transxnet_t', '--json').out)
    assert (row['family'], row['channels']) == ('TransXNet', [48, 96, 224, 448])
    assert command('list', 'backbones', 'resnet*').status == 1


def test_list_configs(command):
    names = command('list', 'configs', '*hrformer_t*').out.split()
    assert POSE in names and len(names) < len(hybrid_backbones.list_configs())
    assert all('hrformer_t' in name for name in names)
    (found,) = json.loads(command('list', 'configs', MASK_RCNN, '--json').out)
    assert Path(found['path']).stem == MASK_RCNN


def test_help_imports_no_torch():
    code = (
        'import sys; from hybrid_backbones.cli.main import main\n'
        'for words in (["--help"], ["list", "--help"], ["train", "--help"], ["--version"]):\n'
        '    try: main(words)\n'
        '    except SystemExit: pass\n'
        'sys.exit(bool({"torch", "mmengine"} & set(sys.modules)))'
    )
    result = subprocess.run(
        [sys.executable, '-c', code], env=environment(), cwd=PROJECT, stdout=subprocess.DEVNULL
    )
    assert result.returncode == 0


def test_a_reader_that_has_seen_enough(tmp_path):
    """As ``hybrid-backbones list | head -1``: no traceback."""
    pipe = f'{sys.executable} -m hybrid_backbones list configs --json | head -1'
    done = run(tmp_path, 'sh', '-c', pipe)
    assert (done.stdout, done.stderr) == ('[\n', '')


def test_a_module_and_tools(tmp_path):
    """``python -m hybrid_backbones``, and the tools that are the same commands."""
    for words in (('-m', 'hybrid_backbones', 'train'), (PROJECT / 'tools' / 'train.py',)):
        result = subprocess.run(
            [sys.executable, *map(str, words), 'gone.py'],
            env=environment(),
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 2
        assert result.stderr == 'hybrid-backbones train: no config file gone.py\n'


@pytest.mark.parametrize('tool', sorted((PROJECT / 'tools').glob('*.py')), ids=lambda p: p.stem)
def test_tools_are_commands(tool):
    if tool.stem == '__init__':
        return
    name = 'convert' if tool.stem == 'convert_weights' else tool.stem.replace('_', '-')
    assert name in COMMANDS
    assert f"main(['{name}', *sys.argv[1:]])" in tool.read_text()


@pytest.fixture(scope='module')
def small_environment(tmp_path_factory):
    """The installed packages but for those that only some commands need."""
    import mmengine

    folder = tmp_path_factory.mktemp('packages')
    for path in Path(mmengine.__file__).parents[1].iterdir():
        if path.name.partition('.')[0].partition('-')[0] not in OPTIONAL:
            (folder / path.name).symlink_to(path)
    return {**os.environ, 'PYTHONPATH': f'{PROJECT}{os.pathsep}{folder}'}


CAN_EXPORT = tuple(map(int, version('torch').split('.')[:2])) >= (2, 9)
NEEDS = "pip install 'hybrid_backbones[openmmlab]'"
WITHOUT = [
    (['list'], 0, 'uniformer_small'),
    (['list', 'configs'], 0, MASK_RCNN),
    (['describe', 'uniformer_s', '--size', '64x64'], 0, 'uniformer_s'),
    (['describe', MASK_RCNN], 2, NEEDS),
    (['describe', SEMANTIC_FPN], 2, NEEDS),
    (
        ['export', 'cvt_13', '--format', 'torch', '--options', 'out_indices=(0,)'],
        *((0, 'cvt_13.pt2') if CAN_EXPORT else (2, 'exporting needs torch 2.9 or later')),
    ),
    (['export', 'cvt_13'], 2, 'pip install onnx onnxscript onnxruntime'),
    (['benchmark', 'hrformer_tiny', '--size', '32x32', '--no-memory'], 0, 'hrformer_tiny'),
    (['visualize', 'features', 'uniformer_xxs', '--size', '64x64'], 0, 'written: work_dirs'),
    (['train', MASK_RCNN, '--mini'], 2, NEEDS),
    (['train', 'whole.py', '--mini'], 2, NEEDS),
    (['test', MASK_RCNN, 'a.pth', '--mini'], 2, NEEDS),
    (['predict', MASK_RCNN, 'a.jpg', '--weights', 'a.pth'], 2, NEEDS),
    (['predict', 'mmdet::a/b.py', 'a.jpg', '--weights', 'a.pth'], 2, NEEDS),
    (['drop-in', 'mmdet::a/b.py', '--backbone', 'uniformer_s'], 2, NEEDS),
    (['browse-dataset', MASK_RCNN, '--mini'], 2, NEEDS),
    (['print-config', MASK_RCNN], 2, NEEDS),
    (['training-memory', MASK_RCNN], 2, NEEDS),
    (['convert', 'a.pth', 'b.safetensors'], 2, 'pip install safetensors'),
    (['--print-completion', 'bash'], 2, 'pip install shtab'),
    (['plot-log', 'run'], 0, 'written: curves.png'),
]

NAMED_BY_PATH = ('train', 'test', 'browse-dataset')

CALL_ALL = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from hybrid_backbones.cli.main import main
results = []
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(words)
        except SystemExit as end:
            status = end.code
        except BaseException as error:
            status = repr(error)
    results.append((status, out.getvalue(), err.getvalue()))
print(json.dumps(results))
"""


def test_without_the_libraries(small_environment, tmp_path):
    """Torch and mmengine alone: a command works, or says in one line what to install."""
    import torch

    whole = "default_scope = 'mmdet'\nmodel = dict(type='RetinaNet')\ntrain_dataloader = dict()\n"
    (tmp_path / 'whole.py').write_text(whole)
    (tmp_path / 'a.jpg').write_bytes(b'any')
    torch.save(hybrid_backbones.UniFormer('xxs').state_dict(), tmp_path / 'a.pth')
    log = tmp_path / 'run' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('{"loss": 1.0, "iter": 1, "step": 1}\n')
    config = hybrid_backbones.config_path(MASK_RCNN)
    words = []
    for arguments, _, _ in WITHOUT:
        path = config if arguments[0] in NAMED_BY_PATH else MASK_RCNN
        words.append([path if word == MASK_RCNN else word for word in arguments])
    done = subprocess.run(
        [sys.executable, '-S', '-c', CALL_ALL, json.dumps(words)],
        env=small_environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for (arguments, status, part), found in zip(WITHOUT, json.loads(done.stdout.splitlines()[-1])):
        assert found[0] == status, (arguments, found)
        if status:
            assert len(found[2].splitlines()) == 1, (arguments, found)
        assert part in found[2 if status else 1], (arguments, found)

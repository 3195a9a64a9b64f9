"""HRFormer's published weights: their names, and where the files are."""

from typing import Optional, Tuple

from ..key_mapping import KeyMapping, Rule, ours, unchanged
from ..pretrained import PretrainedFile

CLASSIFIER = unchanged(
    'incre_modules.{*rest}',
    'downsamp_modules.{*rest}',
    'final_layer.{*rest}',
    'classifier.{leaf}',
)


def _rules(block: Tuple[Rule, ...]) -> Tuple[Rule, ...]:
    """Names of everything but the blocks are alike in the authors' and in OpenMMLab's files."""
    rules = [
        ('conv1.weight', 'stem.0.conv.weight'),
        ('bn1.{leaf}', 'stem.0.bn.{leaf}'),
        ('conv2.weight', 'stem.1.conv.weight'),
        ('bn2.{leaf}', 'stem.1.bn.{leaf}'),
        ('layer1.{k}.conv{n}.weight', 'stages.0.blocks.{k}.conv{n}.conv.weight'),
        ('layer1.{k}.bn{n}.{leaf}', 'stages.0.blocks.{k}.conv{n}.bn.{leaf}'),
        ('layer1.{k}.downsample.0.{leaf}', 'stages.0.blocks.{k}.downsample.conv.{leaf}'),
        ('layer1.{k}.downsample.1.{leaf}', 'stages.0.blocks.{k}.downsample.bn.{leaf}'),
        ('transition1.0.0.{leaf}', 'stages.1.transition.0.conv.{leaf}'),
        ('transition1.0.1.{leaf}', 'stages.1.transition.0.bn.{leaf}'),
    ]
    for i in (1, 2, 3):
        module, fuse = f'stages.{i}.blocks.{{m}}', f'stage{i + 1}.{{m}}.fuse_layers.{{to}}.{{of}}'
        rules += [
            (f'transition{i}.{i}.0.0.{{leaf}}', f'stages.{i}.transition.{i}.conv.{{leaf}}'),
            (f'transition{i}.{i}.0.1.{{leaf}}', f'stages.{i}.transition.{i}.bn.{{leaf}}'),
            (f'{fuse}.0.{{leaf}}', f'{module}.fuse.{{to}}.{{of}}.conv.{{leaf}}'),
            (f'{fuse}.1.{{leaf}}', f'{module}.fuse.{{to}}.{{of}}.bn.{{leaf}}'),
        ]
        for step in range(i):
            for n, leaf in enumerate(('conv', 'bn')):
                depthwise, pointwise = 2 * step, 2 * step + 1
                rules += [
                    (
                        f'{fuse}.{step}.{n}.{{leaf}}',
                        f'{module}.fuse.{{to}}.{{of}}.{depthwise}.{leaf}.{{leaf}}',
                    ),
                    (
                        f'{fuse}.{step}.{n + 2}.{{leaf}}',
                        f'{module}.fuse.{{to}}.{{of}}.{pointwise}.{leaf}.{{leaf}}',
                    ),
                ]
        theirs, here = f'stage{i + 1}.{{m}}.branches.{{b}}.{{k}}', f'{module}.branches.{{b}}.{{k}}'
        rules += [(f'{theirs}.{a}', f'{here}.{b}') for a, b in block]
    return tuple(rules)


_BIAS = ('attn.attn.relative_position_bias_table', 'attn.rel_pos_bias')
_REST = ('{norm}.{leaf}', '{norm}.{leaf}')

AUTHORS = KeyMapping(
    family='HRFormer',
    source='authors',
    signature='stage2.0.branches.0.0.attn.attn.q_proj.weight',
    rules=_rules(
        (
            _BIAS,
            ('attn.attn.q_proj.{leaf}', 'attn.attn.qkv.{leaf}[0/3]'),
            ('attn.attn.k_proj.{leaf}', 'attn.attn.qkv.{leaf}[1/3]'),
            ('attn.attn.v_proj.{leaf}', 'attn.attn.qkv.{leaf}[2/3]'),
            ('attn.attn.out_proj.{leaf}', 'attn.attn.proj.{leaf}'),
            ('mlp.dw3x3.{leaf}', 'mlp.dwconv.{leaf}'),
            ('mlp.{layer}.{leaf}', 'mlp.{layer}.{leaf}'),
            _REST,
        )
    ),
    classifier=CLASSIFIER,
    unused=('{*block}.relative_position_index',),
)
OPENMMLAB = KeyMapping(
    family='HRFormer',
    source='OpenMMLab',
    signature='stage2.0.branches.0.0.attn.attn.qkv.weight',
    rules=_rules(
        (
            _BIAS,
            ('attn.attn.{layer}.{leaf}', 'attn.attn.{layer}.{leaf}'),
            ('ffn.dw3x3.{leaf}', 'mlp.dwconv.{leaf}'),
            ('ffn.{layer}.{leaf}', 'mlp.{layer}.{leaf}'),
            _REST,
        )
    ),
    classifier=CLASSIFIER,
    unused=('{*block}.relative_position_index',),
    pose_settings=(
        (
            'model.backbone.with_rel_pos_bias',
            True,
            "OpenMMLab's pose estimators use the relative position bias, the authors' do not",
        ),
    ),
)
KEY_MAPPINGS = (AUTHORS, OPENMMLAB, ours(AUTHORS, 'stages.1.blocks.0.branches.0.0.mlp.fc1.weight'))


_SHARED = 'https://1drv.ms/u/s!Ai-PFrdirDvwj1'
_ZOO = 'https://download.openmmlab.com/mmpose/pretrain_models/'


def _published(
    arch: str, file: str, top1: Optional[float], params: float, url: str
) -> PretrainedFile:
    direct = url == _ZOO
    return PretrainedFile(
        file=file,
        family='HRFormer',
        arch=arch,
        top1=top1,
        params=params,
        url=url + file if direct else _SHARED + url,
        direct=direct,
        licence='MIT',
        source='https://github.com/open-mmlab/mmpose'
        if direct
        else 'https://github.com/HRNet/HRFormer',
    )


# The last two are those that MMPose's configs begin with; it gives no accuracy for them.
PRETRAINED: Tuple[PretrainedFile, ...] = (
    _published('tiny', 'hrt_tiny.pth', 78.6, 8.0, 'UXGB63dBVVOuLO?e=ZLOY7r'),
    _published('small', 'hrt_small.pth', 81.2, 13.5, 'cc3tSp4kIKI_JH?e=bHW7xj'),
    _published('base', 'hrt_base.pth', 82.8, 50.3, 'iNZngTF7PEyik9?e=fv8CG6'),
    _published('small', 'hrformer_small-09516375_20220226.pth', None, 13.5, _ZOO),
    _published('base', 'hrformer_base-32815020_20220226.pth', None, 50.3, _ZOO),
)

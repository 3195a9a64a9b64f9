"""CvT's published weights: their names, and where the files are."""

from typing import Tuple

from ..key_mapping import KeyMapping, ours, unchanged
from ..pretrained import PretrainedFile

AUTHORS = KeyMapping(
    family='CvT',
    source='authors',
    signature='stage0.patch_embed.proj.weight',
    rules=(
        ('stage0.patch_embed.{*rest}', 'stem.{*rest}'),
        ('stage{i}.patch_embed.{*rest}', 'stages.{i}.downsample.{*rest}'),
        (
            'stage{i}.blocks.{j}.attn.conv_proj_{x}.{*rest}',
            'stages.{i}.blocks.{j}.attn.conv_{x}.{*rest}',
        ),
        ('stage{i}.blocks.{j}.attn.proj.{leaf}', 'stages.{i}.blocks.{j}.attn.proj.{leaf}'),
        ('stage{i}.blocks.{j}.attn.proj_{x}.{leaf}', 'stages.{i}.blocks.{j}.attn.{x}.{leaf}'),
        ('stage{i}.{*rest}', 'stages.{i}.{*rest}'),
    ),
    classifier=unchanged('norm.{leaf}', 'head.{leaf}'),
)


def _hugging_face_rules() -> Tuple[Tuple[str, str], ...]:
    theirs, here = 'encoder.stages.{i}.layers.{j}', 'stages.{i}.blocks.{j}'
    embedding = 'embedding.convolution_embeddings'
    rules = [
        (f'encoder.stages.0.{embedding}.projection.{{leaf}}', 'stem.proj.{leaf}'),
        (f'encoder.stages.0.{embedding}.normalization.{{leaf}}', 'stem.norm.{leaf}'),
        (
            f'encoder.stages.{{i}}.{embedding}.projection.{{leaf}}',
            'stages.{i}.downsample.proj.{leaf}',
        ),
        (
            f'encoder.stages.{{i}}.{embedding}.normalization.{{leaf}}',
            'stages.{i}.downsample.norm.{leaf}',
        ),
        ('encoder.stages.{i}.cls_token', 'stages.{i}.cls_token'),
    ]
    for word, letter in (('query', 'q'), ('key', 'k'), ('value', 'v')):
        convolution = (
            f'{theirs}.attention.attention.convolution_projection_{word}.convolution_projection'
        )
        rules += [
            (f'{convolution}.convolution.{{leaf}}', f'{here}.attn.conv_{letter}.conv.{{leaf}}'),
            (f'{convolution}.normalization.{{leaf}}', f'{here}.attn.conv_{letter}.bn.{{leaf}}'),
            (
                f'{theirs}.attention.attention.projection_{word}.{{leaf}}',
                f'{here}.attn.{letter}.{{leaf}}',
            ),
        ]
    for their_name, our_name in (
        ('attention.output.dense', 'attn.proj'),
        ('intermediate.dense', 'mlp.fc1'),
        ('output.dense', 'mlp.fc2'),
        ('layernorm_before', 'norm1'),
        ('layernorm_after', 'norm2'),
    ):
        rules.append((f'{theirs}.{their_name}.{{leaf}}', f'{here}.{our_name}.{{leaf}}'))
    return tuple(rules)


HUGGING_FACE = KeyMapping(
    family='CvT',
    source='Hugging Face',
    signature='encoder.stages.0.embedding.convolution_embeddings.projection.weight',
    rules=_hugging_face_rules(),
    classifier=(('layernorm.{leaf}', 'norm.{leaf}'), ('classifier.{leaf}', 'head.{leaf}')),
)
KEY_MAPPINGS = (AUTHORS, HUGGING_FACE, ours(AUTHORS, 'stages.0.blocks.0.attn.conv_q.conv.weight'))


def _published(file: str, arch: str, top1: float, params: float) -> PretrainedFile:
    return PretrainedFile(
        file=f'{file}.bin',
        family='CvT',
        arch=arch,
        top1=top1,
        params=params,
        url=f'https://huggingface.co/microsoft/{file}/resolve/main/pytorch_model.bin',
        direct=True,
        licence='MIT',
        source='https://github.com/microsoft/CvT',
    )


# The authors' own files are in a shared folder, https://1drv.ms/u/s!AhIXJn_J-blW9RzF3rMW7SsLHa8h,
# under names that their README does not give; these are the same weights at Hugging Face.
PRETRAINED: Tuple[PretrainedFile, ...] = (
    _published('cvt-13', '13', 81.6, 20),
    _published('cvt-21', '21', 82.5, 32),
    _published('cvt-13-384', '13', 83.0, 20),
    _published('cvt-21-384', '21', 83.3, 32),
    _published('cvt-13-384-22k', '13', 83.3, 20),
    _published('cvt-21-384-22k', '21', 84.9, 32),
    _published('cvt-w24-384-22k', 'w24', 87.6, 277),
)

"""TransXNet's published weights: their names, and where the files are."""

from typing import Tuple

from ..key_mapping import KeyMapping, Rule, ours, unchanged
from ..pretrained import PretrainedFile

# (published name, ours) inside a block
_BLOCK = (
    ('token_mixer.local_unit.proj.0.{*rest}', 'mixer.local.squeeze.{*rest}'),
    ('token_mixer.local_unit.proj.1.{leaf}', 'mixer.local.expand.{leaf}'),
    ('token_mixer.local_unit.{leaf}', 'mixer.local.{leaf}'),
    ('token_mixer.global_unit.sr.{*rest}', 'mixer.attn.reduce.{*rest}'),
    ('token_mixer.global_unit.local_conv.{leaf}', 'mixer.attn.local.{leaf}'),
    ('token_mixer.global_unit.{*rest}', 'mixer.attn.{*rest}'),
    ('token_mixer.proj.0.{leaf}', 'mixer.dwconv.{leaf}'),
    ('token_mixer.proj.2.{leaf}', 'mixer.norm1.{leaf}'),
    ('token_mixer.proj.3.{leaf}', 'mixer.squeeze.{leaf}'),
    ('token_mixer.proj.5.{leaf}', 'mixer.norm2.{leaf}'),
    ('token_mixer.proj.6.{leaf}', 'mixer.expand.{leaf}'),
    ('token_mixer.proj.7.{leaf}', 'mixer.norm3.{leaf}'),
    ('mlp.fc1.0.{leaf}', 'mlp.fc1.{leaf}'),
    ('mlp.fc1.2.{leaf}', 'mlp.norm1.{leaf}'),
    ('mlp.dwconv.proj.{*rest}', 'mlp.dwconv.{*rest}'),
    ('mlp.norm.{leaf}', 'mlp.norm2.{leaf}'),
    ('mlp.fc2.0.{leaf}', 'mlp.fc2.{leaf}'),
    ('mlp.fc2.1.{leaf}', 'mlp.norm3.{leaf}'),
    ('layer_scale_{n}.{leaf}', 'scale{n}.{leaf}'),
    ('{layer}.{leaf}', '{layer}.{leaf}'),
)


def _rules() -> Tuple[Rule, ...]:
    rules = [
        ('patch_embed.proj.{*rest}', 'stem.{*rest}'),
        ('relative_pos_enc.{i}', 'stages.{i}.rel_pos.table'),
    ]
    for stage in range(4):
        place = 2 * stage  # downsampling layers take the odd places
        if stage:
            rules.append(
                (f'network.{place - 1}.proj.{{*rest}}', f'stages.{stage}.downsample.{{*rest}}')
            )
        theirs, here = f'network.{place}.{{j}}', f'stages.{stage}.blocks.{{j}}'
        rules += [(f'{theirs}.{a}', f'{here}.{b}') for a, b in _BLOCK]
        rules.append((f'norm{place}.{{leaf}}', f'out_norms.{stage}.{{leaf}}'))
    return tuple(rules)


AUTHORS = KeyMapping(
    family='TransXNet',
    source='authors',
    signature='network.0.0.token_mixer.local_unit.weight',
    rules=_rules(),
    classifier=unchanged('classifier.{*rest}'),
)
KEY_MAPPINGS = (AUTHORS, ours(AUTHORS, 'stages.0.blocks.0.mixer.local.weight'))


def _published(file: str, arch: str, top1: float, params: float) -> PretrainedFile:
    return PretrainedFile(
        file=file,
        family='TransXNet',
        arch=arch,
        top1=top1,
        params=params,
        url=f'https://github.com/LMMMEng/TransXNet/releases/download/v1.0/{file}',
        direct=True,
        licence='Apache-2.0',
        source='https://github.com/LMMMEng/TransXNet',
    )


PRETRAINED: Tuple[PretrainedFile, ...] = (
    _published('transx-t.pth.tar', 't', 81.6, 12.8),
    _published('transx-s.pth.tar', 's', 83.8, 26.9),
    _published('transx-b.pth.tar', 'b', 84.6, 48.0),
    _published('transx-b-384.pth.tar', 'b', 85.5, 48.0),  # its encodings get resized
)

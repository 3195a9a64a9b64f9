"""UniFormer's published weights: their names, and where the files are."""

from typing import Tuple

from ..key_mapping import KeyMapping, Rule, ours, unchanged
from ..pretrained import PretrainedFile


def _rules() -> Tuple[Rule, ...]:
    rules = [
        ('patch_embed1.{*rest}', 'stem.{*rest}'),
        ('cls_token', 'stages.2.cls_token'),
        ('cls_upsample.{leaf}', 'stages.3.cls_proj.{leaf}'),
    ]
    for stage in range(4):
        theirs, ours = f'blocks{stage + 1}.{{block}}', f'stages.{stage}.blocks.{{block}}'
        if stage > 0:
            rules.append(
                (f'patch_embed{stage + 1}.{{*rest}}', f'stages.{stage}.downsample.{{*rest}}')
            )
        if stage < 2:
            rules += [
                (f'{theirs}.conv1.{{leaf}}', f'{ours}.attn.value.{{leaf}}'),
                (f'{theirs}.attn.{{leaf}}', f'{ours}.attn.affinity.{{leaf}}'),
                (f'{theirs}.conv2.{{leaf}}', f'{ours}.attn.proj.{{leaf}}'),
            ]
        rules += [
            (f'{theirs}.gamma_{{n}}', f'{ours}.scale{{n}}.gamma'),
            (f'{theirs}.{{*rest}}', f'{ours}.{{*rest}}'),
            (f'norm{stage + 1}.{{leaf}}', f'out_norms.{stage}.{{leaf}}'),
        ]
    return tuple(rules)


AUTHORS = KeyMapping(
    family='UniFormer',
    source='authors',
    signature='blocks1.0.pos_embed.weight',
    rules=_rules(),
    # 'norm' is a BatchNorm before the classifier; the dense code's norm1..norm4 are others
    classifier=unchanged(
        'norm.{leaf}', 'norm_cls.{leaf}', 'head.{leaf}', 'head_cls.{leaf}', 'aux_head.{leaf}'
    ),
)
KEY_MAPPINGS = (AUTHORS, ours(AUTHORS, 'stages.0.blocks.0.attn.affinity.weight'))


def _published(file: str, arch: str, top1: float, params: float, where: str) -> PretrainedFile:
    direct = where == _HUB
    return PretrainedFile(
        file=file,
        family='UniFormer',
        arch=arch,
        top1=top1,
        params=params,
        url=where + file if direct else f'https://drive.google.com/file/d/{where}',
        direct=direct,
        licence='Apache-2.0',
        source='https://github.com/Sense-X/UniFormer/tree/main/image_classification',
    )


_HUB = 'https://huggingface.co/Sense-X/uniformer_image/resolve/main/'

PRETRAINED: Tuple[PretrainedFile, ...] = (
    _published('uniformer_small_in1k.pth', 'small', 82.9, 22, _HUB),
    _published('uniformer_base_in1k.pth', 'base', 83.8, 50, _HUB),
    _published(
        'uniformer_small_plus_in1k.pth',
        'small_plus',
        83.4,
        24,
        '10IN5ULcjz0Ld_lDokkTGOSmRFXLzUkEs',
    ),
    _published(
        'uniformer_small_plus_dim64_in1k.pth',
        'small_plus_dim64',
        83.4,
        24,
        '178ipRvMBKeAP_Fzy6fEr2HQkIQWdgEY6',
    ),
    _published(
        'uniformer_base_ls_in1k.pth', 'base_ls', 83.9, 50, '10FnwzMVgGL8bPO3EMZ7oG4vDvqnPoBK5'
    ),
    _published(
        'uniformer_small_tl_224.pth', 'small_tl', 83.4, 22, '16wjfeyqQFZ2x9W91EXf0Py1bfv4Fydfr'
    ),
    _published(
        'uniformer_small_plus_tl_224.pth',
        'small_plus_tl',
        83.9,
        24,
        '16rgtEVEeX3jVTQaiLsojBQP5sRaj_2aZ',
    ),
    _published(
        'uniformer_base_tl_224.pth', 'base_tl', 85.1, 50, '16nsTjawiYZuoCHBRarr58zA7vCFcmQmL'
    ),
    _published(
        'uniformer_large_ls_tl_224.pth',
        'large_ls_tl',
        85.6,
        100,
        '173e2qaJhOwbuC_DbNQSH47Oo_04mSfDj',
    ),
    _published(
        'uniformer_small_dim64_tl_224.pth',
        'small_dim64_tl',
        83.4,
        22,
        '17NC5qqAWCT2gI_jY_cJnFTOqRQTSwsoz',
    ),
    _published(
        'uniformer_small_plus_dim64_tl_224.pth',
        'small_plus_dim64_tl',
        83.6,
        24,
        '17OfoDWt2_nA0BYN0OuLPpG8mHJDTluQQ',
    ),
    _published(
        'uniformer_base_dim64_tl_224.pth',
        'base_dim64_tl',
        84.8,
        50,
        '17MneG9CnZG6zBvXYUr4WUXoTYc4rjJj5',
    ),
    _published('uniformer_xxs_224.pth', 'xxs', 80.6, 10.2, '1Cw9r_3c30N-esFI8RFYa6rQXJrr1rAHY'),
    _published('uniformer_xs_224.pth', 'xs', 82.0, 16.5, '1CwQ91fjuAu3Rhn3zV4vjAmQ8v36AfYPT'),
    _published('uniformer_xxs_192.pth', 'xxs', 79.9, 10.2, '1CjrCEnZCk2aLrN7nVG8vFvu3FAUL4_Y_'),
    _published('uniformer_xxs_160.pth', 'xxs', 79.1, 10.2, '1CsXCzfVFPyM2mY8BA_1fO3q_VBngnF44'),
    _published('uniformer_xxs_128.pth', 'xxs', 76.8, 10.2, '1Cr7uB5hUck1BHioEROWZjfLpYRwg4Zps'),
    _published('uniformer_xs_192.pth', 'xs', 81.5, 16.5, '1Ce2Dk9-k_-sHt5dXp-gfNOEK37Jdcffv'),
    _published(
        'uniformer_small_tl_384.pth', 'small_tl', 84.6, 22, '16p4CXzuXC5J4_SJK67dsvnc8gTKmtKN1'
    ),
    _published(
        'uniformer_small_plus_tl_384.pth',
        'small_plus_tl',
        84.9,
        24,
        '16wJT87vTc43Dt1q2sXrxZRUuEdrNdFdk',
    ),
    _published(
        'uniformer_base_tl_384.pth', 'base_tl', 86.0, 50, '16kZlIarIwf9ldkCdHVKTQfFmDgfkucQ7'
    ),
    _published(
        'uniformer_large_ls_tl_384.pth',
        'large_ls_tl',
        86.3,
        100,
        '174rcA6rNzYVG9Ya9ik-NwTGoxW1M79ez',
    ),
)

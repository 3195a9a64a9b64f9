"""Write README.md's table of all architectures: python -m tools.pages.readme [--check]."""

from argparse import Namespace
from typing import Any, Iterator, Tuple

import torch

from hybrid_backbones import backbones, list_archs
from hybrid_backbones.cli.arguments import Parser, run
from hybrid_backbones.complexity import count_flops
from hybrid_backbones.utils.text import markdown_table
from tools.pages.marked import PROJECT, write_or_check

PAGE = PROJECT / 'README.md'
SIZES = ((224, 224), (800, 1280))
HEAD = (
    'family',
    'arch',
    'params',
    'GFLOPs at 224x224',
    'at 800x1280',
    'channels',
    'ImageNet top-1',
    "equal to the authors' code in",
)
# UniFormers that the authors' dense code cannot build; of CvT they published none
STAGES_ONLY = ('small_plus', 'base_ls', 'large_ls')
WITH_GRADIENTS = ('tiny_patch16', '13', 'tiny', 't', 'small', 'xxs')  # the smallest of a family


def describe_parity(family: str, arch: str) -> str:
    """What `make test` compares with recorded numbers."""
    if family == 'HRFormer':
        parts = ['streams (segmentation and pose)']
    elif family == 'CvT' or arch.startswith(STAGES_ONLY):
        parts = ['stages', 'logits']
    elif arch in ('xxs', 'xs'):
        parts = ['levels']
    else:
        parts = ['levels', 'logits']
    if arch in WITH_GRADIENTS and (family, arch) != ('HRFormer', 'small'):
        parts.append('gradients')
    return ', '.join(parts)


def rows() -> Iterator[Tuple[Any, ...]]:
    """One for each architecture."""
    for info in list_archs():
        with torch.device('meta'):
            backbone = getattr(backbones, info.family)(info.arch)
        flops = [f'{count_flops(backbone, *size) / 1e9:.1f}' for size in SIZES]
        accuracy = [f'[{file.top1}]({file.source})' for file in info.weights if file.top1]
        yield (
            info.family,
            f'`{info.arch}`',
            f'{info.params / 1e6:.1f} M',
            *flops,
            ', '.join(str(channels) for channels in info.channels),
            ', '.join(accuracy) or 'not published',
            describe_parity(info.family, info.arch),
        )


def parse_args() -> Namespace:
    parser = Parser(description="Write README.md's table of all architectures")
    parser.add_argument('--check', action='store_true', help='write nothing; 1 if out of date')
    return parser.parse_args(namespace=Namespace(local_rank=0))


def main(args: Namespace) -> None:
    parts = dict(architectures=markdown_table(HEAD, rows()))
    write_or_check({PAGE: parts}, args.check, 'tools.pages.readme')


if __name__ == '__main__':
    run(parse_args, main)

"""Sharded backbones compared with whole ones, under torchrun: see ``test_fsdp.py``.

torchrun --nproc_per_node=2 fsdp_worker.py [FAMILY...]
"""

import copy
import sys

import torch
from mmengine.dist import get_rank, is_main_process
from mmengine.registry import FUNCTIONS, MODEL_WRAPPERS, MODELS
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP

from hybrid_backbones.backbones import families
from tests.engine.distributed_worker import SMALL

BLOCKS = tuple(block for family in families().values() for block in family.block_types)

IMAGES = 4


def main() -> None:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.distributed.init_process_group('gloo')
    for family in sys.argv[1:] or SMALL:
        for with_cp in (False, True):
            compare(family, with_cp)
            if is_main_process():
                print(f'equal: {family}, with_cp={with_cp}', flush=True)
    torch.distributed.destroy_process_group()


def compare(family: str, with_cp: bool) -> None:
    """Outputs for this process's images, and gradients for those of both."""
    torch.manual_seed(0)
    cfg = dict(type=f'hybrid_backbones.{family}', norm_eval=True, with_cp=with_cp, **SMALL[family])
    whole = MODELS.build(cfg)
    sharded = shard(copy.deepcopy(whole))
    images = torch.randn(IMAGES, 3, 64, 96)
    mine = slice(get_rank() * IMAGES // 2, (get_rank() + 1) * IMAGES // 2)
    expected, levels = whole(images), sharded(images[mine])
    for level, wanted in zip(levels, expected):
        torch.testing.assert_close(level, wanted[mine], rtol=1e-9, atol=1e-9)
    loss(expected).backward()
    loss(levels).backward()
    wanted = {name: parameter.grad for name, parameter in whole.named_parameters()}
    largest = max(gradient.abs().max() for gradient in wanted.values())
    seen = 0
    with FSDP.summon_full_params(sharded, with_grads=True):
        for name, parameter in sharded.named_parameters():
            own = name.replace('_fsdp_wrapped_module.', '')
            torch.testing.assert_close(
                parameter.grad, wanted[own], rtol=1e-8, atol=float(1e-11 * largest)
            )
            seen += 1
    assert seen == len(wanted)


def shard(backbone: torch.nn.Module) -> FSDP:
    cfg = dict(
        type='MMFullyShardedDataParallel',
        module=backbone,
        auto_wrap_policy='hybrid_backbones.wrap_blocks',
        device_id='cpu',
    )
    sharded = MODEL_WRAPPERS.build(cfg)
    units = FSDP.fsdp_modules(sharded)
    blocks = [m for m in sharded.modules() if isinstance(m, BLOCKS)]
    assert len(units) == len(blocks) + 1 > 2, 'a unit for each block, and one for the rest'
    here = sum(parameter.numel() for parameter in sharded.parameters())
    all_of_them = sum(parameter.numel() for parameter in backbone_twin(backbone))
    assert here < 0.6 * all_of_them, 'half of the numbers in each process'
    return sharded


def backbone_twin(backbone: torch.nn.Module):
    """The parameters as they were: sharding took the module apart."""
    family = type(backbone).__name__
    with torch.device('meta'):
        yield from MODELS.build(
            dict(type=f'hybrid_backbones.{family}', **SMALL[family])
        ).parameters()


def loss(levels) -> torch.Tensor:
    return sum(level.square().mean() for level in levels)


assert FUNCTIONS.get('hybrid_backbones.wrap_blocks')

if __name__ == '__main__':
    main()

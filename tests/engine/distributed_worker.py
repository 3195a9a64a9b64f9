"""Gradients of whole models, in one process or under torchrun: see ``test_distributed.py``.

[torchrun --nproc_per_node=2] distributed_worker.py gradients OUT CONFIG...
torchrun --nproc_per_node=2 distributed_worker.py steps
"""

import copy
import sys
from dataclasses import asdict
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import get_dist_info, is_main_process
from mmengine.model import is_model_wrapper
from mmengine.registry import MODEL_WRAPPERS, MODELS
from mmengine.runner import Runner

from hybrid_backbones import backbones
from hybrid_backbones.engine.prepare import prepare

IMAGES, HEIGHT, WIDTH, CLASSES = 4, 64, 96, 150
# what makes the loss of an image depend on the others, or on chance, is off
EXACT = {
    'model.backbone.norm_eval': True,
    'model.backbone.drop_path_rate': 0.0,
    'model.decode_head.dropout_ratio': 0.0,
}
# the smallest of each family, as wide as they are, with few blocks
FEW_BLOCKS = {
    'Conformer': dict(depths=(1, 1, 1, 1)),
    'CvT': dict(depths=(1, 1, 2)),
    'HRFormer': dict(modules=(1, 1, 1), depth=1),
    'TransXNet': dict(depths=(1, 1, 2, 1)),
    'UniFormer': dict(depths=(1, 1, 2, 1)),
}
SMALL = {
    family: dict(arch={**asdict(getattr(backbones, family).archs[arch]), **FEW_BLOCKS[family]})
    for family, arch in (
        ('Conformer', 'tiny_patch16'),
        ('CvT', '13'),
        ('HRFormer', 'tiny'),
        ('TransXNet', 't'),
        ('UniFormer', 'xxs'),
    )
}
CHOICES = ((0, 1, 2, 3), (1, 2, 3))  # levels for Mask R-CNN, for RetinaNet


def main() -> None:
    torch.set_num_threads(1)
    what, *rest = sys.argv[1:]
    if what == 'gradients':
        out, *configs = rest
        gradients = {Path(path).stem: gradients_of(path) for path in configs}
        torch.save(gradients, f'{out}.{get_dist_info()[0]}')
    else:
        take_steps()


def launched() -> str:
    return 'pytorch' if torch.distributed.is_torchelastic_launched() else 'none'


def runner_of(path: str) -> Runner:
    """The Runner of ``tools/train.py CONFIG --mini``."""
    cfg = prepare(
        path,
        data_of=('train_dataloader',),
        mini=True,
        cfg_options=EXACT,
        work_dir=f'work_{launched()}',
        launcher=launched(),
    )
    family = cfg.model.backbone.type.rpartition('.')[2]
    cfg.model.backbone.arch = SMALL[family]['arch']
    cfg.experiment_name = f'{Path(path).stem}_{launched()}'
    cfg.randomness = dict(seed=0)
    return Runner.from_cfg(cfg)


def gradients_of(path: str) -> dict:
    """Of every parameter in float64, for this process's share of the images."""
    torch.set_default_dtype(torch.float64)
    model = runner_of(path).model
    own = model.module if is_model_wrapper(model) else model
    own.train()
    for module in own.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()
    inputs, samples = share_of_images()
    # the wrapper's way through train_step, but for the preprocessor's cast to float32
    loss, _ = own.parse_losses(model(inputs, samples, mode='loss'))
    loss.backward()
    return {name: parameter.grad for name, parameter in own.named_parameters()}


def share_of_images() -> tuple:
    """All valid pixels are as many in each image: means of means are the mean."""
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(IMAGES, 3, HEIGHT, WIDTH, generator=generator)
    labels = torch.randint(CLASSES, (IMAGES, 1, HEIGHT, WIDTH), generator=generator)
    rank, world = get_dist_info()
    mine = slice(rank * IMAGES // world, (rank + 1) * IMAGES // world)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels[mine]]
    return inputs[mine], samples


def take_steps() -> None:
    """Two steps of each family, wrapped as ``prepare`` says; and of one with an idle weight."""
    wrapper = wrapper_cfg()
    for family, options in SMALL.items():
        for chosen in CHOICES:
            backbone = dict(type=f'hybrid_backbones.{family}', out_indices=chosen, **options)
            two_steps(wrapper, MODELS.build(backbone))
            if is_main_process():
                print(f'trained {family} {chosen}', flush=True)
    idle = MODELS.build(dict(type='hybrid_backbones.UniFormer', **SMALL['UniFormer']))
    idle.register_parameter('idle', torch.nn.Parameter(torch.zeros(1)))
    try:
        two_steps(wrapper, idle)
    except RuntimeError as error:
        if is_main_process():
            print(f'complained: {str(error).splitlines()[0]}', flush=True)


def wrapper_cfg() -> dict:
    from hybrid_backbones.engine.prepare import _distribute_on_cpu

    cfg = Config(dict(model={}))
    _distribute_on_cpu(cfg)
    return cfg.model_wrapper_cfg


def two_steps(wrapper: dict, backbone: torch.nn.Module) -> None:
    model = MODEL_WRAPPERS.build(dict(copy.deepcopy(wrapper), module=backbone))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    for _ in range(2):
        optimizer.zero_grad()
        levels = model(torch.randn(2, 3, 64, 64))
        sum(level.square().mean() for level in levels).backward()
        optimizer.step()


if __name__ == '__main__':
    main()

"""MMPose has HRFormer too."""

from functools import partial
from importlib import import_module

from mmengine.hub import get_config
from torch import nn

from ....openmmlab.build import build_in_scope


def _mmpose(arch: str) -> nn.Module:
    name = f'td-hm_hrformer-{arch}_8xb32-210e_coco-256x192.py'
    import_module('mmpose')
    cfg = get_config(f'mmpose::body_2d_keypoint/topdown_heatmap/coco/{name}')
    return build_in_scope('mmpose', dict(cfg.model.backbone, init_cfg=None))


PEERS = {f'mmpose:HRFormer-{arch}': partial(_mmpose, arch) for arch in ('small', 'base')}
BESIDE = ('mmpose:HRFormer-small',)

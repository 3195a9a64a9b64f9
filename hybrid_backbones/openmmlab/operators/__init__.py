"""``mmcv.ops`` without compiling: a stand-in for mmcv's extension module ``mmcv._ext``.

Importing this package puts it in place, where no compiled extension is::

    import hybrid_backbones.openmmlab.operators  # before mmcv.ops, mmdet, mmseg or mmpose

or, in a config, ``custom_imports = dict(imports=['hybrid_backbones.openmmlab.operators'])``.
torchvision's kernels serve where they load, plain torch elsewhere; ``docs/operators.md`` has the
table. MMPose's evaluation is given what it takes from xtcocotools, where that is missing.
"""

from .installing import install, served_by

__all__ = ['install', 'served_by']

install()

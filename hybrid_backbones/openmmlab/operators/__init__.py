"""``mmcv.ops`` without compiling: a stand-in for mmcv's extension module ``mmcv._ext``.

Importing this package puts it in place, where no compiled extension is::

    import hybrid_backbones.openmmlab.operators  # before mmcv.ops, mmdet, mmseg or mmpose

or, in a config, ``custom_imports = dict(imports=['hybrid_backbones.openmmlab.operators'])``.
torchvision's kernels serve where they load, plain torch elsewhere; ``docs/operators.md`` has the
table. MMPose's evaluation is given what it takes from xtcocotools, where that is missing, and what
newer Pythons and torches break in the libraries is repaired.
"""

from ..announce import announce
from ..repairs import repair
from .installing import describe_operators, install, served_by
from .pose_evaluation import install_pose_evaluation

__all__ = ['describe_operators', 'install', 'install_pose_evaluation', 'served_by']

repair()
install()
announce(describe_operators())
install_pose_evaluation()

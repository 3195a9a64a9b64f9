"""What MMPose takes from xtcocotools, by pycocotools: results of keypoints, judged the same way.

xtcocotools compiles when it is installed, and its set-up fails on Python 3.13. It is pycocotools
with a few additions: standard deviations of other skeletons, areas from boxes, keypoints of the
whole body, and CrowdPose's three kinds of images. They are added here, in the same places of the
same computation, so that the numbers are the same. A xtcocotools that is there is left alone.
"""

import importlib.util
import sys
from collections import defaultdict
from types import ModuleType
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from ..announce import announce

SERVED_BY = 'served_by'  # of the module that stands in for xtcocotools
# The fields of an annotation whose keypoints are one after the other, for each `iouType`.
PARTS = {
    'keypoints': ('keypoints',),
    'keypoints_crowd': ('keypoints',),
    'keypoints_body': ('keypoints',),
    'keypoints_foot': ('foot_kpts',),
    'keypoints_face': ('face_kpts',),
    'keypoints_lefthand': ('lefthand_kpts',),
    'keypoints_righthand': ('righthand_kpts',),
    'keypoints_wholebody': (
        'keypoints',
        'foot_kpts',
        'face_kpts',
        'lefthand_kpts',
        'righthand_kpts',
    ),
}
# Share of a box that the person in it covers, where there is no area.
COVERED = 0.53
# CrowdPose's images by how crowded they are: easy, medium and hard (Li et al., 2019, section 4).
CROWDED = ((-np.inf, 0.2), (0.2, 0.8), (0.8, np.inf))


def install_pose_evaluation() -> str:
    """Serve ``xtcocotools`` from pycocotools, where only that is installed.

    Returns:
        ``'xtcocotools'``, ``'pycocotools'`` or, where neither is, ``'missing'``.
    """
    present = sys.modules.get('xtcocotools')
    if present is not None:
        return str(getattr(present, SERVED_BY, 'xtcocotools'))
    if importlib.util.find_spec('xtcocotools'):
        return 'xtcocotools'
    if not importlib.util.find_spec('pycocotools'):
        return 'missing'
    import pycocotools.mask

    package = ModuleType('xtcocotools', 'By pycocotools, through hybrid_backbones.')
    package.__path__ = []
    setattr(package, SERVED_BY, 'pycocotools')
    modules = {
        'coco': _module('xtcocotools.coco', COCO=_coco_class()),
        'cocoeval': _module('xtcocotools.cocoeval', COCOeval=_eval_class()),
        'mask': pycocotools.mask,
    }
    sys.modules['xtcocotools'] = package
    for name, module in modules.items():
        setattr(package, name, module)
        sys.modules[f'xtcocotools.{name}'] = module
    announce('xtcocotools is served by pycocotools')
    return 'pycocotools'


def _module(name: str, **content: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(content)
    return module


def _coco_class() -> type:
    import pycocotools.coco

    class COCO(pycocotools.coco.COCO):
        """Annotations; those that do not say so are no crowds.

        Args:
            annotation_file: Path of a JSON file.
            test_index: Keypoints to keep, of all.
            ann_data: What the file would hold.
        """

        def __init__(
            self,
            annotation_file: Optional[str] = None,
            test_index: Optional[Sequence[int]] = None,
            ann_data: Optional[Dict[str, Any]] = None,
        ):
            super().__init__(annotation_file if ann_data is None else None)
            if ann_data is not None:
                self.dataset = ann_data
                self.createIndex()
            self.anno_file = [annotation_file]
            self.test_index = test_index
            for annotation in self.dataset.get('annotations', []):
                annotation.setdefault('iscrowd', False)
                if test_index is not None:
                    keypoints = np.reshape(annotation['keypoints'], (-1, 3))[test_index]
                    annotation['keypoints'] = keypoints.reshape(-1).tolist()

        def loadRes(self, resFile: Any, resData: Optional[List[Dict[str, Any]]] = None) -> Any:
            """Results, of which there may be none."""
            results = resFile if resData is None else resData
            if isinstance(results, list) and not results:
                found = type(self)()
                found.dataset['images'] = list(self.dataset['images'])
                found.dataset['annotations'] = []
                found.createIndex()
                return found
            return super().loadRes(results)

    COCO.__module__ = 'xtcocotools.coco'
    return COCO


def _eval_class() -> type:
    import pycocotools.cocoeval

    class COCOeval(pycocotools.cocoeval.COCOeval):
        """Average precision and recall of boxes, masks or keypoints.

        Args:
            cocoGt: Annotations.
            cocoDt: Results.
            iouType: ``'bbox'``, ``'segm'`` or a key of ``PARTS``.
            sigmas: Standard deviation of each keypoint, as a share of the person's scale.
            use_area: Whether annotations have areas; without, ``COVERED`` of their boxes.

        Raises:
            ValueError: Another ``iouType``.
        """

        def __init__(
            self,
            cocoGt: Any = None,
            cocoDt: Any = None,
            iouType: str = 'keypoints',
            sigmas: Optional[NDArray[Any]] = None,
            use_area: bool = True,
        ):
            if iouType not in ('bbox', 'segm', *PARTS):
                raise ValueError(
                    f'iouType must be one of bbox, segm, {", ".join(PARTS)}, got {iouType!r}'
                )
            self.kind = iouType
            # to pycocotools, all kinds of keypoints are one
            super().__init__(cocoGt, cocoDt, 'keypoints' if iouType in PARTS else iouType)
            self.use_area = use_area
            if iouType in PARTS and sigmas is not None:
                self.params.kpt_oks_sigmas = np.asarray(sigmas)
            if iouType in PARTS:
                self.sigmas = self.params.kpt_oks_sigmas

        def _prepare(self) -> None:
            if self.kind not in PARTS:
                super()._prepare()
                return
            wanted = dict(imgIds=self.params.imgIds)
            if self.params.useCats:
                wanted['catIds'] = self.params.catIds
            annotations = self.cocoGt.loadAnns(self.cocoGt.getAnnIds(**wanted))
            results = self.cocoDt.loadAnns(self.cocoDt.getAnnIds(**wanted))
            # pycocotools takes a match with the annotation 0 for none
            shift = 1 - min([1, *(each['id'] for each in annotations)])
            self._gts, self._dts = defaultdict(list), defaultdict(list)
            for each in annotations:
                key = each['image_id'], each['category_id']
                self._gts[key].append(self._annotation(each, shift))
            for each in map(self._result, results):
                if _count(each['keypoints']):
                    self._dts[each['image_id'], each['category_id']].append(each)
            self.evalImgs: Dict[Any, Any] = defaultdict(list)
            self.eval: Dict[str, Any] = {}

        def _annotation(self, annotation: Dict[str, Any], shift: int) -> Dict[str, Any]:
            """One whose ``keypoints`` are those that count."""
            keypoints = _joined(annotation, self.kind)
            # CrowdPose's own number is of those in sight
            is_crowd = self.kind == 'keypoints_crowd'
            visible = annotation['num_keypoints'] if is_crowd else _count(keypoints)
            ignore = bool(annotation.get('iscrowd')) or visible == 0
            more = dict(keypoints=keypoints, ignore=ignore, id=annotation['id'] + shift)
            if not self.use_area or 'area' not in annotation:
                more['area'] = annotation['bbox'][2] * annotation['bbox'][3] * COVERED
            return {**annotation, **more}

        def _result(self, result: Dict[str, Any]) -> Dict[str, Any]:
            part = self.kind.replace('keypoints', '').lstrip('_')
            own = f'{part}_score' if part not in ('', 'crowd', 'body') else 'score'
            score = result[own] if own in result else result['score']
            return {**result, 'keypoints': _joined(result, self.kind), 'score': score}

        def summarize(self) -> None:
            """Print the averages and keep them in ``stats``."""
            if self.kind != 'keypoints_crowd':
                super().summarize()
                return
            if not self.eval:
                raise Exception('Please run accumulate() first')
            stats = []
            for name in ('precision', 'recall'):
                for threshold in (None, 0.5, 0.75):
                    stats.append(self._average(name, threshold))
            stats += self._crowded_averages()
            self.stats = np.array(stats)

        def _average(self, name: str, threshold: Optional[float]) -> float:
            values = self.eval[name]
            if threshold is not None:
                values = values[self.params.iouThrs == threshold]
            values = values[..., 0, 0]  # all areas, 20 results an image
            values = values[values > -1]
            mean = float(np.mean(values)) if values.size else -1.0
            iou = '0.50:0.95' if threshold is None else f'{threshold:.2f}'
            print(f' Average {name} @[ IoU={iou:<9} | maxDets= 20 ] = {mean:.3f}')
            return mean

        def _crowded_averages(self) -> List[float]:
            images = self.cocoGt.dataset['images']
            everything, whole = self.params.imgIds, self.eval
            found = []
            for name, (low, high) in zip(('easy', 'medium', 'hard'), CROWDED):
                chosen = [each['id'] for each in images if low <= each['crowdIndex'] < high]
                self.params.imgIds = chosen
                self.evaluate()
                self.accumulate()
                found.append(round(float(np.mean(self.eval['precision'][:, :, :, 0, :])), 4))
                print(f' Average precision @[ IoU=0.50:0.95 | type={name:>6} ] = {found[-1]:.3f}')
            self.params.imgIds, self.eval = everything, whole
            return found

    COCOeval.__module__ = 'xtcocotools.cocoeval'
    return COCOeval


def _joined(annotation: Dict[str, Any], kind: str) -> List[float]:
    return [each for part in PARTS[kind] for each in annotation[part]]


def _count(keypoints: List[float]) -> int:
    """Those that are labelled, or have a score."""
    return int(np.count_nonzero(np.array(keypoints[2::3]) > 0))

"""The libraries' inferencers, with weights that were read safely."""

from importlib import import_module
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import numpy as np
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from numpy.typing import NDArray
from torch import nn

from ..config.class_names import read_class_names
from ..config.data import datasets_of
from ..openmmlab.build import build_model
from ..openmmlab.library import in_scope
from ..weights import Checkpoint
from .person_boxes import PrecomputedBoxes

DRAWN_FROM = 0.3  # score of boxes and keypoints, unless asked for otherwise
BEST = 5  # classes of an image that are written
OPACITY = 0.6  # of what is drawn: the image is to be seen below it
Result = Tuple[Any, NDArray[Any]]


class Detect:
    """Boxes and masks, by mmdet's DetInferencer."""

    scored = 'objects'

    def __init__(self, cfg: Config, weights: Checkpoint, device: Optional[str], threshold: float):
        inferencer = import_module('mmdet.apis').DetInferencer
        self.inferencer = _loading(inferencer, weights, cfg)(
            cfg, device=device, show_progress=False
        )
        self.threshold = threshold

    def __call__(self, path: Path, image: NDArray[Any]) -> Result:
        """Labels and their names, scores, boxes and masks (run lengths) as a dict; and the image
        drawn on."""
        result = self.inferencer(
            self.inferencer.given(path, image),
            return_vis=True,
            pred_score_thr=self.threshold,
            no_save_vis=True,
        )
        prediction = result['predictions'][0]
        names = (self.inferencer.model.dataset_meta or {}).get('classes')
        if names:
            prediction['names'] = [names[label] for label in prediction['labels']]
        return prediction, result['visualization'][0]

    def scores(self, prediction: Any) -> List[float]:
        """Of all objects, drawn or not."""
        return list(prediction['scores'])


class Segment:
    """A class for each pixel, by MMSegInferencer."""

    scored = ''  # each pixel has a class

    def __init__(self, cfg: Config, weights: Checkpoint, device: Optional[str], threshold: float):
        inferencer = import_module('mmseg.apis').MMSegInferencer
        self.inferencer = _loading(inferencer, weights, cfg)(cfg, device=device)
        self.inferencer.show_progress = False
        _name_classes(self.inferencer.model)
        self.threshold = threshold

    def __call__(self, path: Path, image: NDArray[Any]) -> Result:
        """The class of each pixel ``(H, W)``, and the image drawn on."""
        image = self.inferencer.given(path, image)
        result = self.inferencer(image, return_vis=True, opacity=OPACITY)
        return result['predictions'], result['visualization']


class Pose:
    """Keypoints, by Pose2DInferencer.

    Args:
        boxes: Where persons are; None: the whole image is taken for one person.
    """

    scored = 'keypoints'

    def __init__(
        self,
        cfg: Config,
        weights: Checkpoint,
        device: Optional[str],
        threshold: float,
        boxes: Optional[PrecomputedBoxes] = None,
    ):
        inferencer = import_module('mmpose.apis').Pose2DInferencer
        # MMPose would download a detector of its own
        self.inferencer = _loading(inferencer, weights, cfg)(
            cfg, device=device, det_model='whole_image'
        )
        self.boxes = boxes
        if boxes:
            self.inferencer.det_cat_ids = (boxes.category,)
        self.threshold = threshold

    def __call__(self, path: Path, image: NDArray[Any]) -> Result:
        """Keypoints, scores and box of each person, as a list; and the image drawn on."""
        if self.boxes and not len(self.boxes.of(path)):
            return [], image[..., ::-1]  # the inferencer would take the whole image
        if self.boxes:  # the inferencer asks its detector about an array without a name
            self.inferencer.detector = lambda *_, **__: self.boxes(path)
        thickness = max(1, round(max(image.shape) / 250))
        drawing = dict(radius=2 * thickness, thickness=thickness, draw_bbox=bool(self.boxes))
        (result,) = self.inferencer(
            self.inferencer.given(path, image),
            return_vis=True,
            kpt_thr=self.threshold,
            bbox_thr=0,  # boxes were chosen when they were read
            nms_thr=1,
            **drawing,
        )
        return result['predictions'][0], result['visualization'][0]

    def scores(self, prediction: Any) -> List[float]:
        """Of all keypoints, drawn or not."""
        return [score for person in prediction for score in person['keypoint_scores']]


class Classify:
    """The most likely classes of an image, by ImageClassificationInferencer."""

    scored = ''  # each image has classes

    def __init__(self, cfg: Config, weights: Checkpoint, device: Optional[str], threshold: float):
        model: Any = build_model(cfg)
        model.load_state_dict({key: weights.state[key] for key in model.state_dict()})
        names = (weights.meta.get('dataset_meta') or classes_of(cfg)).get('classes')
        model._config, model._dataset_meta = cfg, dict(classes=names)
        inferencer = import_module('mmpretrain.apis').ImageClassificationInferencer
        with in_scope('mmpretrain'):  # it builds the pipeline in whichever there is
            self.inferencer = inferencer(model, pretrained=False, device=device)
        self.artist = import_module('mmpretrain.visualization').UniversalVisualizer()
        self.threshold = threshold

    def __call__(self, path: Path, image: NDArray[Any]) -> Result:
        """The five classes with the highest scores as a dict; and the image, with the first."""
        (inputs,) = self.inferencer.preprocess([image])  # called, it draws a progress bar for each
        (sample,) = self.inferencer.forward(inputs)
        names = self.inferencer.classes
        scores, labels = sample.pred_score.topk(min(BEST, len(sample.pred_score)))
        found = [
            dict(label=label, name=names[label] if names else f'class {label}', score=score)
            for label, score in zip(labels.tolist(), scores.tolist())
        ]
        original = np.ascontiguousarray(image[..., ::-1])
        drawn = self.artist.visualize_cls(original, sample, classes=names, draw_gt=False)
        return dict(classes=found), drawn

    def scores(self, prediction: Any) -> List[float]:
        """Of the classes that are written."""
        return [each['score'] for each in prediction['classes']]


def _loading(inferencer: type, weights: Checkpoint, cfg: Config) -> type:
    """An inferencer that takes these weights where it would load a file.

    Its own loading, with a torch before 2.6, runs what is pickled in the file, and passes over
    tensors that do not fit. Where a checkpoint names no classes it takes those of COCO or
    Cityscapes; the config knows better.
    """

    decoded_as_usual = _decoded_as_usual(cfg)

    class Loading(inferencer):
        def _load_weights_to_model(self, model: nn.Module, checkpoint: None, cfg: Config) -> None:
            meta = dict(weights.meta)
            if not {'dataset_meta', 'CLASSES'} & set(meta) and cfg.default_scope != 'mmpose':
                meta['dataset_meta'] = classes_of(cfg)  # mmpose does so itself
            super()._load_weights_to_model(model, dict(state_dict=weights.state, meta=meta), cfg)

        def given(self, path: Path, image: NDArray[Any]) -> Union[str, NDArray[Any]]:
            """The image, decoded once by whoever calls; its file where the config decodes it
            in a way of its own."""
            return image if decoded_as_usual else str(path)

        def visualize(self, inputs: List[Any], *args: Any, **options: Any) -> Any:
            """mmdet and mmseg draw on an array as it is, mmpose takes it for BGR."""
            if cfg.default_scope != 'mmpose':
                inputs = [
                    np.ascontiguousarray(each[..., ::-1]) if isinstance(each, np.ndarray) else each
                    for each in inputs
                ]
            return super().visualize(inputs, *args, **options)

        def _init_collate(self, cfg: Config) -> Callable[..., Any]:
            """mmengine's own choice, without its search for another and its warnings."""
            if 'collate_fn' in cfg.test_dataloader:
                return super()._init_collate(cfg)
            return pseudo_collate

    return Loading


def _decoded_as_usual(cfg: Config) -> bool:
    """Whether the test pipeline decodes images to BGR by OpenCV, as configs do unless they say."""
    dataset = datasets_of(cfg, 'test_dataloader')[0]
    loader: Dict[str, Any] = next(
        (step for step in dataset.pipeline if 'LoadImage' in str(step.get('type'))), {}
    )
    return set(loader) <= {'type', 'to_float32', 'backend_args'}


def classes_of(cfg: Config) -> Dict[str, Any]:
    """Names and colours of the classes, as the test dataset of a config has them."""
    registry = import_module(f'{cfg.default_scope}.registry').DATASETS
    dataset = datasets_of(cfg, 'test_dataloader')[0]
    kind = registry.get(dataset.type)
    named = dict(dataset.get('metainfo') or {})
    if named.get('classes'):
        named['classes'] = tuple(read_class_names(named['classes']))
    return {**getattr(kind, 'METAINFO', {}), **named}


def _name_classes(model: nn.Module) -> None:
    """Where neither checkpoint nor dataset names classes or colours: MMSegmentation's visualizer
    would take those of Cityscapes."""
    any_model: Any = model
    head, meta = any_model.decode_head, any_model.dataset_meta
    cascaded = isinstance(head, nn.ModuleList)
    number: int = (head[-1] if cascaded else head).num_classes
    if not meta.get('classes'):
        meta['classes'] = [f'class {i}' for i in range(number)]
    if not meta.get('palette'):
        colours = np.random.RandomState(0).randint(0, 255, (len(meta['classes']), 3))
        meta['palette'] = colours.tolist()


TASKS = dict(mmdet=Detect, mmseg=Segment, mmpose=Pose, mmpretrain=Classify)

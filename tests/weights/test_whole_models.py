"""Published whole models, against outputs recorded from the authors' code.

A file is written from the manifest as the training code saved it, and read as a user's would be.
"""

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from hybrid_backbones.errors import ConfigError
from hybrid_backbones.openmmlab.build import build_model
from hybrid_backbones.openmmlab.published import apply_settings, load_into
from hybrid_backbones.weights import convert, read_model
from hybrid_backbones.zoo.configs import list_configs, read_config
from tests.golden import assert_recorded
from tests.reference import deterministic

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytest.importorskip('mmpose')

ROOT = Path(__file__).parents[1] / 'reference' / 'whole'
NAMES = sorted(path.stem for path in (ROOT / 'manifest').glob('*.json'))
# each kind of head and of names once
QUICK = (
    'cascademaskrcnn_uniformer_s_3x',
    'fasterrcnn_conformer_s32_1x',
    'maskrcnn_uniformer_xxs_1x',
    'ocr_hrformer_s_150k_ade20k',
    'openmmlab-topdown_hrformer_s_210e_coco_256x192',
    'retinanet_transxnet_t_1x',
    'semanticfpn_uniformer_xxs_80k_ade20k',
    'topdown_hrformer_s_210e_coco_256x192',
    'topdown_uniformer_s_210e_coco_256x192',
    'upernet_uniformer_s_160k_ade20k',
)
TOLERANCE, OCR_TOLERANCE = 1e-4, 5e-4


def config_of(name):
    """Of OpenMMLab's file, or of one that was recorded before its config was here."""
    return re.sub('^(openmmlab|none)-', '', name)


def each(names):
    kept = [name for name in names if config_of(name) in list_configs()]
    return [
        pytest.param(name, marks=() if name in QUICK else (pytest.mark.extended, pytest.mark.slow))
        for name in kept
    ]


@cache
def manifest(name):
    return json.loads((ROOT / 'manifest' / f'{name}.json').read_text())


def relative_index(window):
    """Swin's constant: the row of the table for each pair of positions of a window."""
    y, x = np.divmod(np.arange(window**2), window)
    rows, cols = y[:, None] - y + window - 1, x[:, None] - x + window - 1
    return rows * (2 * window - 1) + cols


def published_state(name):
    state = {}
    for key, shape, *_ in manifest(name)['state']:
        if key.endswith('relative_position_index'):
            state[key] = torch.from_numpy(relative_index(round(shape[0] ** 0.5)))
        else:
            state[key] = torch.from_numpy(np.array(deterministic.tensor(key, shape)))
    return state


def write(name, folder):
    """The file, with what the training code put beside the weights."""
    top = manifest(name)['file']['top']
    content = {key: {} for key in top}
    content['state_dict'] = published_state(name)
    if 'meta' in content:
        content['meta'] = dict(epoch=12, iter=87960, config='model = dict()', time='Mon')
    if 'config_dict' in content:
        content['config_dict'] = dict(iters=60000, performance=np.float64(0.5))
    path = folder / f'{name}.pth'
    torch.save(content, path)
    return path


def load(name, path):
    cfg = read_config(config_of(name))
    published = read_model(path)
    notes = apply_settings(cfg, published)
    cfg.model.backbone.init_cfg = None
    model = build_model(cfg)
    return cfg, model.eval(), notes, load_into(model, published)


def recorded(name):
    """The runs of a model: its tag, and numbers."""
    # those of the authors' UniFormer serve for OpenMMLab's copies of it
    stem = config_of(name) if 'openmmlab-topdown_uniformer' in name else name
    for path in sorted((ROOT / 'golden').glob(f'{stem}@*.npz')):
        yield path.stem.partition('@')[2], np.load(path)


def compare(found, arrays, tolerance):
    """How many of the levels were recorded; all of these agree."""
    seen = 0
    for level, ours in found.items():
        if f'{level}/values' not in arrays:
            continue
        assert_recorded(ours, arrays, level, level, tolerance)
        seen += 1
    return seen


def numbered(name, levels, first=0):
    return {f'{name}{i}': level for i, level in enumerate(levels, first)}


def run_detector(model, image):
    levels = model.backbone(image)
    maps = model.neck(levels)
    found = {**numbered('backbone', levels, 4 - len(levels)), **numbered('neck', maps)}
    head, name = (
        (model.rpn_head, 'rpn')
        if getattr(model, 'with_rpn', False)
        else (model.bbox_head, 'retina')
    )
    scores, deltas = head(maps)
    return {**found, **numbered(f'{name}_cls', scores), **numbered(f'{name}_reg', deltas)}


def regions(shape):
    n, channels, side = shape
    draw = deterministic._rng(f'roi:{n}x{channels}x{side}x{side}').standard_normal
    return torch.from_numpy(draw((n, channels, side, side)).astype(np.float32))


def run_regions(model):
    found = {}
    for kind, shape in (('bbox', (4, 256, 7)), ('mask', (4, 256, 14))):
        heads = getattr(model.roi_head, f'{kind}_head', None)
        cascaded = isinstance(heads, torch.nn.ModuleList)
        for i, head in enumerate(heads if cascaded else [heads] if heads else []):
            out = head(regions(shape))
            stage = f'{kind}{i}' if cascaded else kind
            if kind == 'bbox':
                found.update({f'{stage}_cls': out[0], f'{stage}_reg': out[1]})
            else:
                found[f'{stage}_logits'] = out
    return found


def resized(logits, image, aligned):
    size = image.shape[2:]
    return torch.nn.functional.interpolate(
        logits, size=size, mode='bilinear', align_corners=aligned
    )


def run_segmentor(model, image):
    levels = model.backbone(image)
    found = numbered('backbone', levels)
    maps = model.neck(levels) if model.with_neck else levels
    if model.with_neck:
        found.update(numbered('neck', maps))
    if isinstance(model.decode_head, torch.nn.ModuleList):
        first, last = model.decode_head
        aux = first(maps)
        main = last(maps, aux)
        return {
            **numbered('stream', levels),
            'aux_stride4': aux,
            'main_stride4': main,
            'aux': resized(aux, image, True),
            'main': resized(main, image, True),
        }
    logits = model.decode_head(maps)
    found.update(main_head=logits, main=resized(logits, image, False))
    if model.with_auxiliary_head:
        found['aux_head'] = model.auxiliary_head(maps)
    return found


def run_poses(model, image):
    (level,) = model.backbone(image)
    return dict(backbone=level, heatmap=model.head((level,)))


@pytest.mark.parametrize('name', each(NAMES))
def test_outputs(name, tmp_path):
    cfg, model, notes, line = load(name, write(name, tmp_path))
    run = dict(mmdet=run_detector, mmseg=run_segmentor, mmpose=run_poses)[cfg.default_scope]
    tolerance = OCR_TOLERANCE if 'ocr' in name else TOLERANCE
    seen = 0
    with torch.no_grad():
        for tag, arrays in recorded(name):
            size = re.fullmatch(r'(\d+)x(\d+)', tag)
            if size:
                height, width = map(int, size.groups())
                image = torch.from_numpy(deterministic.image(height, width, 1))
                seen += compare(run(model, image), arrays, tolerance)
            elif tag == 'roi':
                seen += compare(run_regions(model), arrays, tolerance)
    if list(recorded(name)):
        assert seen >= 2
    assert f'{len(model.state_dict())} tensors of the model' in line
    if config_of(name).startswith('ocr_'):
        assert model.data_preprocessor.channel_conversion is False
        assert 'bgr_to_rgb=False' in notes[0]
        eps = {m.eps for n, m in model.decode_head.named_modules() if n.endswith('bn')}
        assert eps == {1e-5}
    elif 'openmmlab-topdown_hrformer' in name:
        assert 'with_rel_pos_bias=True' in notes[0]
    else:
        assert not notes


@pytest.mark.parametrize(
    'name',
    [
        'ocr_hrformer_s_150k_ade20k',
        'openmmlab-topdown_hrformer_s_210e_coco_256x192',
        'maskrcnn_uniformer_xxs_1x',
    ],
)
def test_converted(name, tmp_path):
    """Equal to what it was converted from, and its settings are in it."""
    path = write(name, tmp_path)
    converted = read_model(convert(path, tmp_path / 'ours.pth'))
    before = read_model(path)
    assert converted.source == ''
    settings = [{k: v for k, (v, _) in m.settings.items()} for m in (converted, before)]
    assert settings[0] == settings[1]
    ours, theirs = (m.checkpoint.state for m in (converted, before))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())


def test_another_model_is_refused(tmp_path):
    path = write('maskrcnn_uniformer_xxs_1x', tmp_path)
    with pytest.raises(ConfigError, match=r'maskrcnn_uniformer_xxs_1x\.pth is no checkpoint of'):
        load('semanticfpn_uniformer_xxs_80k_ade20k', path)
    with pytest.raises(ConfigError, match='is no checkpoint of'):
        load('maskrcnn_uniformer_s_1x', path)


def test_settings_of_a_file_are_of_a_kind(tmp_path):
    """A file cannot set what it likes."""
    state = {'backbone.stem.weight': torch.zeros(1)}
    settings = {'model.type': 'Other', 'model.data_preprocessor.bgr_to_rgb': 'yes'}
    torch.save(
        dict(state_dict=state, meta=dict(hybrid_backbones_settings=settings)), tmp_path / 'a.pth'
    )
    assert read_model(tmp_path / 'a.pth').settings == {}

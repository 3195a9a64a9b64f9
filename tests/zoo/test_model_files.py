"""The table of published whole models."""

import re
from pathlib import Path

import pytest

from hybrid_backbones.errors import CheckpointError
from hybrid_backbones.zoo import model_files
from hybrid_backbones.zoo.configs import list_configs, list_models
from hybrid_backbones.zoo.model_files import ModelFile, find_model_file, list_model_files

WHOLE = Path(__file__).parents[1] / 'reference' / 'whole' / 'manifest'


def test_configs_and_links():
    """As the metafiles say, but for OpenMMLab's files."""
    links = {m['Name']: m['Published Weights'] for m in list_models() if 'Published Weights' in m}
    theirs = [file for file in list_model_files() if 'openmmlab.com' in file.url]
    ours = [file for file in list_model_files() if file not in theirs]
    assert len(theirs) == 10
    assert {file.config for file in ours} == set(links)
    assert len(ours) == len(links)
    for file in ours:
        assert links[file.config].partition('?usp')[0].removesuffix('/view') == file.url
    assert {file.config for file in theirs} <= set(list_configs())


def test_all_recorded_models_are_there():
    recorded = {re.sub('^(openmmlab|none)-', '', path.stem) for path in WHOLE.glob('*')}
    listed = {file.config for file in list_model_files()}
    assert recorded <= listed
    assert {name for name in listed - recorded if '_w32_' not in name} == set()


def test_metrics():
    """The authors' are those of the metafiles."""
    results = {m['Name']: m.get('Results', []) for m in list_models()}
    for file in list_model_files():
        if 'openmmlab.com' in file.url or file.config.startswith('topdown'):
            continue
        published = {k: v for r in results[file.config] for k, v in r['Metrics'].items()}
        assert file.metrics == pytest.approx(published), file.config


def test_about_a_file():
    (file,) = list_model_files('maskrcnn_transxnet_t_1x')
    assert (file.direct, file.licence, file.commercial_use) == (True, 'Apache-2.0', True)
    assert file.sha256 is None
    poses = [f.sha256 for f in list_model_files('topdown_hrformer_b_210e_coco_384x288')]
    assert poses == [None, 'ecf0758d']


def test_finding(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model_files, 'cached', lambda name: tmp_path / 'cache' / name)
    name = 'upernet_uniformer_s_h32_160k_ade20k'
    with pytest.raises(CheckpointError, match=r'open https://drive\S+ .* pretrained/upernet_'):
        find_model_file(name)
    for folder, options in (('cache', {}), ('pretrained', {}), ('mine', dict(weights_dir='mine'))):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / 'upernet_global_small.pth'
        path.write_text('')
        found = find_model_file(f'configs/{name}.py', **options)
        assert (tmp_path / found).samefile(path)
    assert find_model_file('maskrcnn_transxnet_t_1x').startswith('https://github.com/')
    with pytest.raises(CheckpointError, match='no trained model is published for maskrcnn'):
        find_model_file('maskrcnn_cvt_13_1x')
    assert isinstance(list_model_files(name)[0], ModelFile)


def test_a_file_that_is_not_the_published_one(tmp_path):
    """Where the name holds the hash."""
    (file,) = [f for f in list_model_files('topdown_hrformer_s_210e_coco_256x192') if f.sha256]
    (tmp_path / file.file).write_bytes(b'something else')
    with pytest.raises(CheckpointError, match=f'the published file with {file.sha256}'):
        find_model_file(file.config, str(tmp_path))


def test_a_name_for_each_file():
    """One is not fetched twice, nor taken for another."""
    pairs = {(file.url, file.file) for file in list_model_files()}
    assert len(pairs) == len({url for url, _ in pairs}) == len({name for _, name in pairs})

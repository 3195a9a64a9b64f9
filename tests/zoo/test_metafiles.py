"""The metafiles: complete, and no number without its source.

That they say of parameters, FLOPs and schedules what the configs do is tested with these, in
``tests/configs/test_configs.py``.
"""

from pathlib import Path
from urllib.parse import urlparse

import pytest
import yaml
from mmengine.config import Config

from hybrid_backbones.complexity.model import model_cost
from hybrid_backbones.zoo.configs import list_configs, list_models
from tools.pages import model_zoo

PROJECT = Path(__file__).parents[2]
CONFIGS = PROJECT / 'configs'
MODELS = {model['Name']: model for model in list_models()}
REPOSITORIES = {
    'Conformer': 'pengzhiliang/Conformer',
    'CvT': 'microsoft/CvT',
    'HRFormer': 'HRNet/HRFormer',
    'TransXNet': 'LMMMEng/TransXNet',
    'UniFormer': 'Sense-X/UniFormer',
}


def test_every_config_has_an_entry_and_every_entry_a_config():
    files = {path.stem for path in CONFIGS.glob('*.py')}
    assert files == set(list_configs())
    assert files - MODELS.keys() == set(), 'configs without an entry'
    assert MODELS.keys() - files == set(), 'entries without a config'
    assert len(MODELS) == len(list_models()), 'a name twice'


def test_the_index_names_every_metafile():
    index = yaml.safe_load((PROJECT / 'model-index.yml').read_text())
    files = sorted((CONFIGS / 'metafiles').glob('*.yml'))
    assert [str(path.relative_to(PROJECT)) for path in files] == index['Import']


@pytest.mark.parametrize('name', MODELS)
def test_entry(name):
    model = MODELS[name]
    assert model['Config'] == f'configs/{name}.py'
    assert model['In Collection'] in REPOSITORIES
    assert model['Reproduced'] is None or model['Reproduced'].startswith(
        ('synthetic data only', 'published weights tested: ')
    )
    assert {'Training Data', 'Architecture', 'Parameters', 'FLOPs'} <= model['Metadata'].keys()


@pytest.mark.parametrize('name', [name for name in MODELS if 'Results' in MODELS[name]])
def test_published_results_have_a_source(name):
    model = MODELS[name]
    source = urlparse(model['Source'])
    assert (source.scheme, source.netloc) == ('https', 'github.com')
    assert source.path.startswith(f'/{REPOSITORIES[model["In Collection"]]}/tree/main/')
    for result in model['Results']:
        assert result['Dataset'] == model['Metadata']['Training Data']
        assert all(0 < value < 100 for value in result['Metrics'].values()), 'in percent'


@pytest.mark.parametrize('name', MODELS)
def test_the_config_says_the_same(name):
    """In the comment at its top: what is published and where, or that nothing is."""
    lines = (CONFIGS / f'{name}.py').read_text().splitlines()
    head = ' '.join(line for line in lines if line.startswith('#'))
    model = MODELS[name]
    for result in model.get('Results', []):
        metric, value = next(iter(result['Metrics'].items()))
        assert f'{metric} {value}' in head
        assert model['Source'] in head
    assert ('Published' in head) == ('Results' in model)


def test_nothing_is_quoted_without_results():
    for model in MODELS.values():
        if 'Results' not in model:
            assert not {'Source', 'Published Cost', 'Published Weights'} & model.keys()


def test_no_weights_that_inferencers_would_load_under_foreign_names():
    """``Weights`` is what OpenMMLab loads unseen, and leaves random what has another name."""
    assert not [name for name, model in MODELS.items() if 'Weights' in model]


@pytest.mark.parametrize('name', [name for name in MODELS if 'Published Cost' in MODELS[name]])
def test_published_parameters(name):
    model = MODELS[name]
    published = model['Published Cost'].get('Parameters', model['Metadata']['Parameters'])
    assert abs(model['Metadata']['Parameters'] - published) <= 0.02 * published


def test_counting():
    """What the page's tool writes for a config; the numbers of all are tested with their models."""
    pytest.importorskip('mmpose')
    name = 'topdown_uniformer_s_210e_coco_256x192'
    about = MODELS[name]['Metadata']
    counted = model_zoo.metadata(name)
    assert counted == {key: about.get(key) for key in counted}


def test_cost_of_a_config_of_another_library():
    with pytest.raises(ValueError, match="one of mmdet, mmseg, mmpose, mmpretrain, got 'mmrotate'"):
        model_cost(Config(dict(default_scope='mmrotate')))

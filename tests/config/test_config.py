"""Reading a config and seeing that its data is there."""

import pytest
from mmengine.config import Config

from hybrid_backbones.config.data import check_data, check_one_root, datasets, relocate
from hybrid_backbones.config.load import load_config, override
from hybrid_backbones.errors import ConfigError


def config(root='data/coco/', wrap=lambda dataset: dataset):
    def loader(split):
        dataset = dict(
            type='CocoDataset',
            data_root=root,
            ann_file=f'annotations/{split}.json',
            data_prefix=dict(img=f'{split}/'),
        )
        return dict(batch_size=2, dataset=wrap(dataset))

    return Config(
        dict(
            train_dataloader=loader('train'),
            val_dataloader=loader('val'),
            val_evaluator=dict(type='CocoMetric', ann_file=f'{root}annotations/val.json'),
        )
    )


WRAPPERS = [
    lambda dataset: dataset,
    lambda dataset: dict(type='RepeatDataset', times=2, dataset=dataset),
    lambda dataset: dict(type='ConcatDataset', datasets=[dataset, dict(dataset)]),
]


@pytest.mark.parametrize('wrap', WRAPPERS, ids=['bare', 'repeated', 'concatenated'])
def test_relocate_reaches_every_dataset_and_metric(wrap):
    cfg = config(wrap=wrap)
    relocate(cfg, '/elsewhere')
    assert {dataset.data_root for _, dataset in datasets(cfg)} == {'/elsewhere'}
    assert cfg.val_evaluator.ann_file == '/elsewhere/annotations/val.json'


def test_check_data(tmp_path):
    cfg = config(root=f'{tmp_path}/')
    with pytest.raises(ConfigError, match=r'annotations/train\.json not found') as caught:
        check_data(cfg, ('train_dataloader',))
    for part in ('train_dataloader', '`data_root=DIR`', '`mini=True`'):
        assert part in str(caught.value)
    (tmp_path / 'annotations').mkdir()
    (tmp_path / 'annotations' / 'train.json').write_text('{}')
    with pytest.raises(ConfigError, match=r'train/? not found'):
        check_data(cfg, ('train_dataloader',))
    (tmp_path / 'train').mkdir()
    check_data(cfg, ('train_dataloader',))
    with pytest.raises(ConfigError, match='val_dataloader'):
        check_data(cfg, ('train_dataloader', 'val_dataloader'))
    cfg.val_dataloader = cfg.train_dataloader
    with pytest.raises(ConfigError, match=r'val\.json not found.*val_evaluator\.ann_file=FILE'):
        check_data(cfg, ('train_dataloader', 'val_dataloader'))


def test_override():
    cfg = config()
    cfg.custom_hooks = [dict(type='EMAHook')]
    override(cfg, {'train_dataloader.batch_size': 3, 'new.key': 1})
    assert (cfg.train_dataloader.batch_size, cfg.new.key) == (3, 1)
    for key in ('train_dataloader.batch_size.deeper', 'custom_hooks.3.type'):
        with pytest.raises(ConfigError, match=f'`cfg_options`: {key}=1'):
            override(cfg, {key: 1})


def test_load_config_separates_shared_dicts(tmp_path):
    """``test_dataloader = val_dataloader``: a change to one must not reach the other."""
    path = tmp_path / 'config.py'
    path.write_text('val_dataloader = dict(batch_size=1)\ntest_dataloader = val_dataloader\n')
    cfg = load_config(path)
    cfg.val_dataloader.batch_size = 2
    assert cfg.test_dataloader.batch_size == 1


def test_load_config_says_what_is_wrong(tmp_path):
    with pytest.raises(ConfigError, match='no config file'):
        load_config(tmp_path / 'none.py')
    path = tmp_path / 'broken.py'
    path.write_text('model = dict(')
    with pytest.raises(ConfigError, match=r'broken\.py cannot be read'):
        load_config(path)


def test_data_root_is_for_one_dataset():
    """Moved, two datasets of a ConcatDataset would become one, taken twice."""
    parts = [dict(type='CocoDataset', data_root=root) for root in ('data/mine/', 'data/other')]
    outer = dict(type='ConcatDataset', datasets=parts)
    cfg = Config(dict(train_dataloader=dict(dataset=outer)))
    with pytest.raises(
        ConfigError, match='has 2: data/mine, data/other; set the data_root of each'
    ):
        check_one_root(cfg)
    parts[1]['data_root'] = 'data/mine'  # the same folder, spelled in another way
    check_one_root(Config(dict(train_dataloader=dict(dataset=outer))))


@pytest.mark.parametrize(
    'dataset',
    [
        dict(data_root='s3://bucket/coco', ann_file='a.json', data_prefix=dict(img='train/')),
        dict(data_root='gone', ann_file='a.json', backend_args=dict(backend='petrel')),
        dict(data_prefix=dict(img='http://127.0.0.1:9/images/')),
        dict(
            data_root='gone',
            data_prefix=dict(img='train/'),
            pipeline=[dict(type='LoadImageFromFile', backend_args=dict(backend='lmdb'))],
        ),
    ],
)
def test_data_on_other_machines(dataset):
    """mmengine reads it; it cannot be looked at like a folder."""
    check_data(Config(dict(train_dataloader=dict(dataset=dataset))), ('train_dataloader',))

"""Descriptions of backbones and configs as text for a terminal."""

from typing import Any, Dict, Iterator, List, Sequence

from ...utils.text import aligned_columns

UNITS = ((1e9, 'G'), (1e6, 'M'), (1e3, 'K'))


def as_text(described: Dict[str, Any]) -> str:
    """What ``describe`` returns, for people."""
    lines = _backbone(described) if described['kind'] == 'backbone' else _config(described)
    return '\n'.join(line.rstrip() for line in lines) + '\n'


def _backbone(about: Dict[str, Any]) -> Iterator[str]:
    arch, short = about['arch'], about['short_name']
    name = f': {short} in the built-in configs' if short else ''
    yield f"{about['type']}, arch='{arch}'{name}"
    yield ', '.join(filter(None, (about['title'], about['paper'])))
    yield ''
    yield about['notes']
    yield ''
    yield f'levels of an image of {_by(about["size"])}'
    yield from _table([_level(**level) for level in about['levels']], 'lrll')
    yield ''
    rows = [(part['name'], part['layers'], part) for part in about['parts']]
    rows.append(('backbone', '', about))
    yield 'parts, and multiply-adds for that image'
    yield from _table(
        [
            [name, f'{amount(cost["params"])} params', f'{amount(cost["flops"])} FLOPs', layers]
            for name, layers, cost in rows
        ],
        'lrrl',
    )
    yield ''
    yield from _weights(about['weights'])
    yield ''
    if about['configs']:
        yield f'{len(about["configs"])} built-in configs'
        yield from _table(
            [[config['name'], _percent(config['published'])] for config in about['configs']], 'll'
        )
    else:
        yield 'no built-in config has it: arch=... in the config of another variant is enough'


def _level(level: int, channels: int, stride: int, size: Sequence[int]) -> List[str]:
    return [f'c{level + 2}', f'{channels} channels', f'stride {stride}', _by(size)]


def _weights(files: List[Dict[str, Any]]) -> Iterator[str]:
    if not files:
        yield 'no published weights'
        return
    yield 'published weights, with their ImageNet-1K top-1 accuracy'
    for file in files:
        top1 = '   -' if file['top1'] is None else f'{file["top1"]:.2f}'.rstrip('0').rstrip('.')
        begin = '; the built-in configs begin with it' if file['in_configs'] else ''
        yield f'  {top1}  {file["file"]} ({file["licence"]}){begin}'
        how = '' if file['direct'] else ' (a page: open it in a browser)'
        yield f'        {file["url"]}{how}'


def _config(about: Dict[str, Any]) -> Iterator[str]:
    yield f'{about["name"]}: {about["model"]} of {about["library"]}'
    yield ''
    yield 'parts'
    rows = [(part['name'], part['layers'], part) for part in about['parts']]
    rows.append(('model', '', about))
    yield from _table(
        [[name, f'{amount(cost["params"])} params', layers] for name, layers, cost in rows], 'lrl'
    )
    yield ''
    yield from _table([row for row in _settings(about) if row[1]], 'll')


def _settings(about: Dict[str, Any]) -> Iterator[List[str]]:
    backbone, data, schedule = about['backbone'], about['data'], about['schedule']
    if about['flops'] is not None:
        yield ['FLOPs', f'{amount(about["flops"])} for an image of {_by(about["size"])}']
    yield ['backbone', ', '.join(filter(None, [backbone['type'], backbone['arch']]))]
    if backbone['channels']:
        levels = zip(backbone['strides'], backbone['channels'])
        yield ['levels', ', '.join(f'{channels} of stride {stride}' for stride, channels in levels)]
    yield ['weights', backbone['weights'] or 'random']
    yield ['dataset', ', '.join(filter(None, [data['dataset'], data['root'], data['train']]))]
    yield ['metrics', ', '.join(data['metrics'])]
    if schedule['unit']:
        every = schedule['validate_every']
        then = f', validated every {every}' if every else ''
        yield ['schedule', f'{schedule["length"]} {schedule["unit"]}{then}']
    for policy in schedule['policy']:
        yield ['', policy]
    yield ['batch', _batch(**about['batch'])]
    yield ['optimizer', _optimizer(**about['optimizer'])]
    source = f' ({about["source"]})' if about['source'] else ''
    yield ['published', _percent(about['published']) + source]
    if about['published_weights']:
        yield ['', f'the whole model: {about["published_weights"]}']
    yield ['trained here', about['reproduced'] or '']


def _batch(per_gpu: Any, gpus: Any, total: Any) -> str:
    if gpus:
        return f'{total} = {gpus} GPUs x {per_gpu}'
    return f'{per_gpu} a GPU; the config does not say how many GPUs' if per_gpu else ''


def _optimizer(type: Any, lr: Any, weight_decay: Any, wrapper: str, clip_norm: Any) -> str:
    words = [type, f'lr {lr:g}' if lr else '']
    words.append(f'weight decay {weight_decay:g}' if weight_decay else '')
    words.append(f'gradients clipped to a norm of {clip_norm:g}' if clip_norm else '')
    words.append('' if wrapper == 'OptimWrapper' else wrapper)
    return ', '.join(filter(None, words))


def amount(number: float) -> str:
    """A large number with three digits and its unit, as in ``'21.0 M'``."""
    for unit, letter in UNITS:
        if number >= 0.9995 * unit:
            value = number / unit
            digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
            return f'{value:.{digits}f} {letter}'
    return f'{number}'


def _percent(metrics: Dict[str, float]) -> str:
    return ', '.join(f'{name} {value}' for name, value in metrics.items())


def _by(size: Sequence[int]) -> str:
    return 'x'.join(map(str, size))


def _table(rows: List[List[str]], align: str) -> Iterator[str]:
    yield aligned_columns(rows, align, indent='  ')

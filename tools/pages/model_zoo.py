"""Write docs/model_zoo.md from the metafiles.

python -m tools.pages.model_zoo [--update | --check]
"""

from argparse import Namespace
from pathlib import Path
from typing import Any, Dict, Iterator, List

import yaml

from hybrid_backbones import config_path
from hybrid_backbones.cli.arguments import Parser, run
from hybrid_backbones.complexity.model import model_cost
from hybrid_backbones.config.load import load_config
from hybrid_backbones.openmmlab.library import prepare_libraries
from hybrid_backbones.utils.files import write_text
from hybrid_backbones.utils.text import markdown_table
from hybrid_backbones.zoo.model_files import list_model_files
from tools.pages.marked import DOCS, PROJECT, write_or_check

METAFILES = PROJECT / 'configs' / 'metafiles'
PAGE = DOCS / 'model_zoo.md'
COLUMNS = ('config', 'params', 'FLOPs', 'image', 'published', 'trained model', 'reproduced here')


def parse_args() -> Namespace:
    parser = Parser(description='Write docs/model_zoo.md from the metafiles')
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument('--check', action='store_true', help='write nothing; 1 if out of date')
    mode.add_argument('--update', action='store_true', help='first count parameters and FLOPs')
    parser.add_argument('--only', default='', metavar='TEXT', help='update names with this text')
    return parser.parse_args(namespace=Namespace(local_rank=0))


def main(args: Namespace) -> None:
    if args.update:
        prepare_libraries()
        for metafile in sorted(METAFILES.glob('*.yml')):
            update(metafile, args.only)
    write_or_check({PAGE: dict(models=models())}, args.check, 'tools.pages.model_zoo')


def update(metafile: Path, only: str = '') -> None:
    """Write parameters and FLOPs of the built models into a metafile."""
    content = yaml.safe_load(metafile.read_text(encoding='utf-8'))
    for model in content['Models']:
        if only in model['Name']:
            model['Metadata'].update(metadata(model['Name']))
    write_text(metafile, yaml.safe_dump(content, sort_keys=False, width=100))


def metadata(name: str) -> Dict[str, Any]:
    """What a metafile says about the cost of a config, to four digits."""
    cost = model_cost(load_config(config_path(name)))
    return {
        'Parameters': int(float(f'{cost.params:.4g}')),
        'FLOPs': int(float(f'{cost.flops:.4g}')),
        'Input Size': list(cost.size),
    }


def models() -> str:
    """A section for each family."""
    return '\n'.join(map(section, families()))


def families() -> List[dict]:
    index = yaml.safe_load((PROJECT / 'model-index.yml').read_text(encoding='utf-8'))
    return [
        yaml.safe_load((PROJECT / path).read_text(encoding='utf-8')) for path in index['Import']
    ]


def section(family: dict) -> str:
    about = family['Collections'][0]
    head = f"""## {about['Name']}

[{about['Paper']['Title']}]({about['Paper']['URL']}); the authors' code:
<{about['Code']['URL']}>

"""
    table = markdown_table(COLUMNS, [list(row(model)) for model in family['Models']])
    notes = [f'- `{m["Name"]}`: {m["Note"]}\n' for m in family['Models'] if 'Note' in m]
    return head + table + ''.join(['\n', *notes] if notes else [])


def row(model: dict) -> Iterator[str]:
    about = model['Metadata']
    yield f'[{model["Name"]}](../{model["Config"]})'
    yield f'{number(about["Parameters"] / 1e6)} M'
    yield f'{number(about["FLOPs"] / 1e9)} G'
    yield 'x'.join(map(str, about['Input Size']))
    yield published(model)
    yield trained(model['Name'])
    yield model['Reproduced'] or ''


def published(model: dict) -> str:
    metrics = {k: v for result in model.get('Results', []) for k, v in result['Metrics'].items()}
    if not metrics:
        return 'no result'
    return f'{", ".join(f"{k} {v}" for k, v in metrics.items())} ([source]({model["Source"]}))'


def trained(config: str) -> str:
    """The published files for a config, with their licences."""
    return '; '.join(
        f'[{"file" if file.direct else "page"}]({file.url}), {file.licence}'
        for file in list_model_files(config)
    )


def number(value: float) -> str:
    """Three digits, and no fewer than the whole number."""
    return f'{value:.0f}' if value >= 100 else f'{value:.1f}' if value >= 10 else f'{value:.2f}'


if __name__ == '__main__':
    run(parse_args, main)

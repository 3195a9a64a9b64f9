"""Write docs/model_zoo.md from the metafiles.

python -m tools.pages.model_zoo [--update | --check]
"""

from argparse import Namespace
from pathlib import Path
from typing import Any, Dict, Iterator, List

import yaml

from hybrid_backbones import config_path
from hybrid_backbones.cli.arguments import Parser, run
from hybrid_backbones.complexity.model import model_cost, paper_size
from hybrid_backbones.config.load import load_config
from hybrid_backbones.openmmlab.library import prepare_libraries
from hybrid_backbones.utils.files import write_text
from hybrid_backbones.utils.text import markdown_table
from hybrid_backbones.zoo.model_files import list_model_files
from tools.pages.marked import DOCS, PROJECT, write_or_check

METAFILES = PROJECT / 'configs' / 'metafiles'
PAGE = DOCS / 'model_zoo.md'
COLUMNS = ('config', 'params', 'FLOPs', 'published', 'trained model', 'reproduced here')
PAPERS = ' in Papers'  # ends the keys of what is counted at their image size


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
    cfg = load_config(config_path(name))
    cost = model_cost(cfg)
    found = {
        'Parameters': four_digits(cost.params),
        'FLOPs': four_digits(cost.flops),
        'Input Size': list(cost.size),
    }
    size = paper_size(cfg)
    if size != cost.size:
        found[f'FLOPs{PAPERS}'] = four_digits(model_cost(cfg, size).flops)
        found[f'Input Size{PAPERS}'] = list(size)
    return found


def four_digits(value: int) -> int:
    """A count, rounded."""
    return int(float(f'{value:.4g}'))


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
    yield '; '.join(flops(about, end) for end in ('', PAPERS) if f'FLOPs{end}' in about)
    yield published(model)
    yield trained(model['Name'])
    yield model['Reproduced'] or ''


def flops(about: dict, end: str) -> str:
    """Multiply-adds, and of which image."""
    size = 'x'.join(map(str, about[f'Input Size{end}']))
    return f'{number(about[f"FLOPs{end}"] / 1e9)} G at {size}'


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

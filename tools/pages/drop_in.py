"""Try the drop-in on every config that the libraries ship, and write docs/drop_in.md; minutes.

python -m tools.pages.drop_in [--only mmdet::retinanet]
"""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # before torch starts its threads

import copy
import json
import re
import tempfile
import time
import zlib
from argparse import Namespace
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

from hybrid_backbones.cli.arguments import Parser, run
from hybrid_backbones.dropin.drop_in import write_config
from hybrid_backbones.dropin.plan import DropIn, find_root, plan
from hybrid_backbones.dropin.source import LIBRARIES, library_configs, read_source
from hybrid_backbones.dropin.trial import image_sizes, measure_somewhere, root_of
from hybrid_backbones.dropin.variants import find_variant
from hybrid_backbones.errors import ConfigError, as_config_error
from hybrid_backbones.openmmlab.library import prepare_libraries
from hybrid_backbones.utils.files import check_folder
from hybrid_backbones.utils.text import markdown_table
from tools.pages.marked import DOCS, read_page, write_parts

PAGE = DOCS / 'drop_in.md'
PART = 'sweep'
# the smallest of each family, in turns
SMALLEST = ('uniformer_xxs', 'hrformer_t', 'cvt_13', 'conformer_ti', 'transxnet_t')
NO_EXPERIMENTS = {'_base_', 'common'}  # folders of files to inherit from
NO_MODEL = 'has no model'  # a file to inherit from
NOT_TRIED = 'does not run here with its own backbone either'


def sweep(only: str, work_dir: Path, page: Path = PAGE) -> List[Dict[str, Any]]:
    """Try the configs whose names begin with ``only``; write the table if that is all of them.

    Results are kept, one line of JSON for each config, in ``work_dir``; configs that have one are
    not tried again.

    Raises:
        ConfigError: A library is not installed, or the page has no place for the table.
    """
    prepare_libraries()
    names = list(shipped_configs(only))
    if not names:
        raise ConfigError(f'no config begins with {only}; try mmdet::retinanet')
    if not only:
        read_page(page, (PART,))
    cache = work_dir / 'results.jsonl'
    check_folder(work_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    known = read_results(cache)
    with open(cache, 'a', encoding='utf-8') as file:
        if cache.stat().st_size and not cache.read_bytes().endswith(b'\n'):
            file.write('\n')  # an earlier run was killed while it wrote
        runs = {r['key']: r for r in known.values() if r.get('key') and r['checked'] == 'run'}
        for name in names:
            if name in known:
                continue
            result = try_config(name, runs)
            known[name] = result
            file.write(json.dumps(result) + '\n')
            file.flush()
            print(f'{"ok  " if result["ok"] else "no  "}{name} {result["backbone"]}', end=' ')
            print(result['reason'], flush=True)
    results = [known[name] for name in names if known[name]['reason'] != NO_MODEL]
    if not only:
        write_parts(page, {PART: table(results)})
    print(summary(results))
    return results


def shipped_configs(only: str = '') -> Iterator[str]:
    """Names of all experiments, as ``mmdet::folder/name.py``, that begin with ``only``."""
    for library in LIBRARIES:
        folder = library_configs(library)
        for path in sorted(folder.rglob('*.py')):
            inside = path.relative_to(folder)
            name = f'{library}::{inside.as_posix()}'
            if not NO_EXPERIMENTS & set(inside.parts) and name.startswith(only):
                yield name


def read_results(cache: Path) -> Dict[str, Dict[str, Any]]:
    """What earlier runs found, by config; a line that was cut off is left out."""
    found = {}
    for line in cache.read_text(encoding='utf-8').splitlines() if cache.is_file() else ():
        try:
            result = json.loads(line)
        except ValueError:
            continue
        found[result['config']] = result
    return found


def try_config(name: str, runs: Dict[str, Dict[str, Any]], backbone: str = '') -> Dict[str, Any]:
    """Put a backbone into one config, build the model and send an image through.

    Args:
        name: Of the config.
        runs: Results by the key of what was built: a model that differs from an earlier one in
            numbers of classes, losses and the like alone is built and not run. Extended in place.
        backbone: Which; by default one of `SMALLEST`, the same for models that are alike.
    """
    start = time.time()
    result = dict(config=name, backbone=backbone, ok=False, reason='', key='', checked='')
    try:
        # by its file: for a library's name mmengine reads all metafiles of the folder
        source = replace(read_source(name), library_name=None)
        if not backbone:
            old = structure(source.value('model', *find_root(source)))
            backbone = SMALLEST[zlib.crc32(old.encode()) % len(SMALLEST)]
        result['backbone'] = backbone
        drop = plan(source, find_variant(backbone, source.scope))
        result.update(_try(drop, runs))
    except ConfigError as error:
        reason = str(error).replace(f'{name}: ', '')
        result['reason'] = NO_MODEL if reason.startswith(f'{name} {NO_MODEL}: ') else reason
    result['seconds'] = round(time.time() - start, 2)
    if result['key'] and result['checked'] == 'run':
        runs[result['key']] = result
    return result


def _try(drop: DropIn, runs: Dict[str, Dict[str, Any]]) -> Dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        new = write_config(drop, Path(folder, 'new.py'))
        model = root_of(new, drop.root)
        key = structure(model)
        key = f'{zlib.crc32(key.encode()):08x}{len(key)}'
        if key in runs:
            earlier = runs[key]
            same = dict(checked=f'as {earlier["config"]}', reason=earlier['reason'])
            return dict(ok=earlier['ok'], key=key, **same)
        result = dict(ok=True, key=key, checked='run', reason='')
        try:
            with as_config_error('the new model'):
                measure_somewhere(drop.source.scope, model, image_sizes(new), compute=False)
        except ConfigError as error:
            result.update(ok=False, reason=_whose(drop, str(error)))
    return result


def _whose(drop: DropIn, reason: str) -> str:
    """A config that does not run here with its own backbone says nothing about ours."""
    try:
        sizes = image_sizes(drop.source.cfg)
        measure_somewhere(drop.source.scope, drop.model, sizes, compute=False)
    except Exception as error:  # theirs
        own = ' '.join(f'{type(error).__name__}: {error}'.split())
        return f'{NOT_TRIED}: {own}'
    return reason


# settings that change no shape, or only the last layer's
SHAPELESS = ('num_classes', 'train_cfg', 'test_cfg', 'data_preprocessor', 'init_cfg', 'pretrained')
SHAPELESS += ('decoder', 'codec', 'num_keypoints', 'num_joints', 'norm_cfg', 'ignore_index')
SHAPELESS += ('dropout_ratio', 'align_corners', 'class_weight', 'sampler', 'drop_path_rate')


def structure(model: Any) -> str:
    """A model's config without what changes no shape: equal for models that are alike."""
    return json.dumps(_shapes(copy.deepcopy(model)), sort_keys=True, default=str)


def _shapes(node: Any) -> Any:
    if isinstance(node, dict):
        keep = {
            key: _shapes(value)
            for key, value in node.items()
            if key not in SHAPELESS and not str(key).startswith('loss')
        }
        if 'Head' in str(node.get('type')) and isinstance(node.get('out_channels'), int):
            keep.pop('out_channels')  # a pose head's: how many keypoints
        return keep
    if isinstance(node, (list, tuple)):
        return [_shapes(child) for child in node]
    return node


def summary(results: List[Dict[str, Any]]) -> str:
    """One line a library."""
    lines = []
    for library in LIBRARIES:
        ours = [r for r in results if r['config'].startswith(f'{library}::')]
        if ours:
            line = f'{library}: {sum(r["ok"] for r in ours)} of {len(ours)}'
            not_tried = sum(r['reason'].startswith(NOT_TRIED) for r in ours)
            lines.append(line + (f'; {not_tried} could not be tried' if not_tried else ''))
    return '\n'.join(lines)


def table(results: List[Dict[str, Any]]) -> str:
    """Counts by folder, and the reasons of those that did not work."""
    groups = defaultdict(list)
    for result in results:
        groups[group_of(result['config'])].append(result)
    ran = sum(result['ok'] for result in results)
    lines = [f'It works with {ran} of {len(results)} configs.', '']
    lines += [f'- {line}' for line in summary(results).splitlines()]
    rows = []
    for (library, folder), members in groups.items():
        failed = Counter(short_reason(r['reason']) for r in members if not r['ok'])
        why = '; '.join(f'{count}: {reason}' for reason, count in failed.most_common())
        works = f'{sum(r["ok"] for r in members)} of {len(members)}'
        rows.append((f'{library} `{folder}`', works, why))
    head = ('configs', 'work', 'not, and why')
    return '\n'.join([*lines, '', markdown_table(head, rows)])


def group_of(name: str) -> Tuple[str, str]:
    """Library and folder; MMPose's folders say the task and the kind of head."""
    library, _, inside = name.partition('::')
    return library, '/'.join(inside.split('/')[: 2 if library == 'mmpose' else 1])


def short_reason(reason: str, length: int = 150) -> str:
    """The reason without what is one config's or one machine's own."""
    reason = re.sub(r'\S*::\S+\.py:? ', '', reason)
    reason = re.sub(r'/\S*/(site-packages|configs)/', '', reason)
    reason = reason.split('; choose ')[0].split(': choose ')[0]
    return reason if len(reason) <= length else f'{reason[: length - 3]}...'


def parse_args() -> Namespace:
    parser = Parser(description="Put the backbones into all of the libraries' configs")
    parser.add_argument('--only', default='', metavar='BEGINNING', help='as mmdet::retinanet')
    parser.add_argument(
        '--work-dir',
        type=Path,
        default='work_dirs/drop_in_sweep',
        help='where results are kept; remove it to start again',
    )
    parser.add_argument('--page', type=Path, default=PAGE, help='the page with the table')
    return parser.parse_args(namespace=Namespace(local_rank=0))


def main(args: Namespace) -> None:
    sweep(args.only, args.work_dir, args.page)


if __name__ == '__main__':
    run(parse_args, main)

"""Links, names and code in README.md, CONTRIBUTING.md, CHANGELOG.md and docs/*.md."""

import ast
import doctest
import re
from functools import cache, partial
from pathlib import Path
from urllib.parse import urlparse

import pytest
import torch
from mmengine import registry
from mmengine.config import Config

import hybrid_backbones
from hybrid_backbones import backbones
from hybrid_backbones.backbones import families
from hybrid_backbones.cli.main import build_parser
from hybrid_backbones.config.traverse import walk
from hybrid_backbones.openmmlab.build import build_in_scope
from tests.docs.pages import (
    DOCS,
    PAGES,
    PROJECT,
    anchors,
    blocks,
    code_words,
    links,
    shell_commands,
)

FAMILIES = tuple(families())

NAMES = [page.name if page.parent == PROJECT else f'docs/{page.name}' for page in PAGES]
# folders whose files are named in texts as they lie in the project
FOLDERS = ('configs', 'docs', 'examples', 'hybrid_backbones', 'requirements', 'tests', 'tools')
PATH = re.compile(rf'(?:\./)?((?:{"|".join(FOLDERS)})/[\w./-]*\w)')
INVENTED = 'newnet'  # the family that docs/add_a_family.md adds
PLACEHOLDERS = {'NewNet', 'FAMILY'}
LATER = {'docs/_build'}  # what a `make` target writes
CONFIG_KEYS = {'_base_', 'model', 'optim_wrapper', 'train_dataloader', 'val_dataloader'}
CONFIG_KEYS |= {'default_hooks', 'train_cfg', 'param_scheduler', 'custom_hooks', 'visualizer'}


def each_page(function):
    return pytest.mark.parametrize('page', PAGES, ids=NAMES)(function)


@each_page
def test_links(page):
    for link in links(page):
        url = urlparse(link)
        if url.scheme:
            assert url.scheme == 'https', link
            continue
        target = (page.parent / url.path).resolve() if url.path else page
        assert target.exists(), f'{link} leads nowhere'
        assert target.is_relative_to(PROJECT), link
        if url.fragment:
            assert target.suffix == '.md', link
            assert url.fragment in anchors(target), f'{link}: no such heading'


@each_page
def test_files_that_are_named_exist(page):
    words = [word for _, command in shell_commands(page) for word in command] + code_words(page)
    for path in filter(None, map(PATH.fullmatch, words)):
        if INVENTED not in path[1] and path[1] not in LATER:
            assert (PROJECT / path[1]).exists(), path[1]


@each_page
def test_make_targets_exist(page):
    targets = set(re.findall(r'^([\w-]+):', (PROJECT / 'Makefile').read_text(), re.MULTILINE))
    for words in [*(command for _, command in shell_commands(page)), *map(split, code_words(page))]:
        words = [word for word in words if not re.match(r'\w+=', word)]
        if words and words[0] == 'make':
            assert set(words[1:]) <= targets, ' '.join(words)


def split(text):
    return text.split()


@each_page
def test_commands_know_their_arguments(page, monkeypatch, capsys):
    """``hybrid-backbones COMMAND``, the tools that are such commands, and other scripts."""
    for block, words in shell_commands(page):
        for i, word in enumerate(words):
            arguments = ['1' if x == 'N' else x for x in words[i + 1 :] if x != '...']
            if word == 'hybrid-backbones':
                name = arguments[0] if arguments else None
                read = partial(read_command, arguments, name)
            elif re.fullmatch(r'(.*/)?tools/\w+\.py', word) and 'python' in ' '.join(words[:i]):
                name = Path(word).stem.replace('_', '-')
                read = partial(read_command, [name, *arguments], name)
            else:
                continue
            try:
                read()
            except SystemExit as end:
                if end.code:
                    pytest.fail(f'{block}: {" ".join(words)}: {capsys.readouterr().err}')


def read_command(arguments, name):
    """Parse a command line, and no more than that."""
    build_parser(name).parse_args(arguments)


@each_page
def test_python_runs_or_compiles(page):
    """Examples with a prompt give what they say; configs name what there is."""
    names = {}
    for block in blocks(page):
        if block.language != 'python':
            continue
        if '>>>' in block.text:
            test = doctest.DocTestParser().get_doctest(
                block.text, names, block.page.name, str(block.page), block.line
            )
            results = doctest.DocTestRunner().run(test, clear_globs=False)
            assert results.failed == 0, f'{block}: see the output'
            names.update(test.globs)
        else:
            compile(block.text, str(block), 'exec')


CONFIGS = [
    block
    for page in PAGES
    for block in blocks(page)
    if block.language == 'python'
    and '>>>' not in block.text
    and {
        target.id
        for node in ast.parse(block.text).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    & CONFIG_KEYS
]


@pytest.mark.parametrize('block', CONFIGS, ids=str)
def test_config(block, tmp_path):
    for library in ('mmdet', 'mmseg', 'mmpose'):
        pytest.importorskip(library)
    if 'classifier_' in block.text:
        pytest.importorskip('mmpretrain')
    file = tmp_path / 'mine.py'
    file.write_text(block.text)
    cfg = Config.fromfile(file)
    # lower case are no classes: a keypoint is of the type 'upper'
    for kind in re.findall(r"type='([A-Z]\w*|hybrid_backbones\.\w+)'", block.text):
        assert kind.startswith('hybrid_backbones.') or kind in known_types(), kind
    for _, node in walk(cfg._cfg_dict.to_dict()):
        if str(node.get('type')).startswith('hybrid_backbones.'):
            build_backbone(node)
    if '_base_' in block.text and 'model' in cfg:
        for _, node in walk(cfg.model):
            node.pop('init_cfg', None)
        with torch.device('meta'):
            build_in_scope(cfg.default_scope, cfg.model)


def build_backbone(cfg):
    """With the options that a page gives it, or some of them."""
    cfg = {key: value for key, value in cfg.items() if key not in ('_delete_', 'init_cfg')}
    family = cfg.pop('type').partition('.')[2]
    if family in FAMILIES:
        with torch.device('meta'):
            getattr(backbones, family)(**cfg)
    else:
        assert is_registered(family), family


def is_registered(name):
    kinds = (registry.MODELS, registry.HOOKS, registry.STRATEGIES, registry.DATA_SAMPLERS)
    return any(kind.get(f'hybrid_backbones.{name}') for kind in kinds)


@cache
def known_types():
    """What can be written as ``type`` in configs of the three libraries."""
    for name in ('mmdet', 'mmseg', 'mmpose'):
        utils = pytest.importorskip(f'{name}.utils')
        utils.register_all_modules(init_default_scope=False)
    found = set()
    for root in vars(registry).values():
        if isinstance(root, registry.Registry):
            for node in (root, *root.children.values()):
                found.update(node.module_dict)
    return found


@each_page
def test_names_of_the_package(page):
    text = page.read_text()
    for name in re.findall(r"type='hybrid_backbones\.(\w+)'", text):
        assert name in (*FAMILIES, *PLACEHOLDERS) or is_registered(name), name
    for name in re.findall(r"(?:get_config|config_path)\('(\w+)'\)", text):
        assert name in hybrid_backbones.list_configs(), name


def test_these_tests_see_something():
    """Parsing that finds nothing would let everything pass."""
    page = DOCS / 'model_zoo.md'
    assert len(links(page)) > 100
    assert 'conformer' in anchors(page)
    readme = PROJECT / 'README.md'
    tools = {w for _, command in shell_commands(readme) for w in command if w.endswith('.py')}
    assert {'tools/train.py', 'tools/test.py'} <= tools
    words = [words for _, words in shell_commands(readme) if words[0] == 'hybrid-backbones']
    assert {'describe', 'convert', 'predict'} <= {command[1] for command in words}
    assert len(CONFIGS) > 5

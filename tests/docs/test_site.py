"""The site: it builds without a warning, and its versions and figures are those of the package."""

import importlib.util
import re
import subprocess
import sys

import pytest

import hybrid_backbones
from hybrid_backbones.zoo.archs import FAMILIES
from tests.docs.pages import DOCS, PROJECT, anchors, links


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_build(tmp_path):
    """Warnings are errors: a page in no table of contents, a link or a docstring gone wrong."""
    pytest.importorskip('sphinx')
    options = ('-W', '--keep-going', '-q', '-d', tmp_path / 'doctrees')
    result = subprocess.run(
        [sys.executable, '-m', 'sphinx', *map(str, options), str(DOCS), str(tmp_path / 'site')],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ''
    pages = {path.stem for path in DOCS.glob('*.md')}
    assert pages <= {path.stem for path in (tmp_path / 'site').glob('*.html')}
    api = (tmp_path / 'site' / 'api.html').read_text()
    for name in hybrid_backbones.__all__:
        assert name == '__version__' or f'id="hybrid_backbones.{name}"' in api, name


def test_make_docs_is_this_build():
    command = subprocess.run(
        ['make', '--dry-run', '--assume-old=env', 'docs'],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for part in ('-m sphinx', '-W', '--keep-going', 'docs docs/_build'):
        assert part in command
    assert '/docs/_build/' in (PROJECT / '.gitignore').read_text().split()


def test_contents():
    """Every page is in one table of contents, and only pages are."""
    tables = re.findall(r'^```\{toctree\}(.*?)^```', (DOCS / 'index.md').read_text(), re.S | re.M)
    named = re.findall(r'^\w+$', ''.join(tables), re.MULTILINE)
    assert len(named) == len(set(named))
    assert set(named) == {path.stem for path in DOCS.glob('*.md')} - {'index'}


def test_versions():
    """The table of docs/install.md says what is asked for, and what is pinned."""
    rows = re.findall(
        r'^\| ([\w-]+) \| (.*?) \| ([\d.]+) \|$', (DOCS / 'install.md').read_text(), re.M
    )
    pins = (PROJECT / 'requirements' / 'env.txt').read_text()
    script = (PROJECT / 'tools' / 'dev' / 'make_env.sh').read_text()
    asked = (PROJECT / 'pyproject.toml').read_text()
    assert len(rows) > 8
    for package, minimum, pinned in rows:
        where = f'Python {pinned}' if package == 'Python' else f'{package}=={pinned}'
        assert re.search(rf'{re.escape(where)}\b', pins + script), where
        if minimum.startswith('>='):
            name = 'requires-python = "' if package == 'Python' else f'"{package}'
            assert f'{name}{minimum}"' in asked, package


def test_every_family_has_a_section_and_a_figure():
    page = DOCS / 'families.md'
    for family in FAMILIES:
        assert family.lower() in anchors(page)
        assert f'figures/{family.lower()}.svg' in links(page)


def test_figures_are_those_of_the_script(tmp_path, monkeypatch):
    pytest.importorskip('matplotlib')
    figures = DOCS / 'figures'
    monkeypatch.setattr(sys, 'path', [str(figures), *sys.path])
    monkeypatch.setattr(sys, 'argv', ['draw.py', str(tmp_path)])
    load(figures / 'draw.py').main()
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {path.name for path in figures.glob('*.svg')}
    for name in drawn:
        texts = words(tmp_path / name)
        assert len(texts) > 10
        assert texts == words(figures / name), f'{name}: run python docs/figures/draw.py'


def words(figure):
    """The texts of an SVG; matplotlib notes them beside their outlines."""
    return re.findall(r'<!-- (.*?) -->', figure.read_text(), re.DOTALL)

"""Generated parts that come from the package and the metafiles are those of now."""

from argparse import Namespace

import pytest

from tests.docs.pages import DOCS, PAGES
from tools.pages import marked, model_zoo, readme, tables

WRITERS = dict(
    architectures='readme',
    archs='export',
    cards='training_memory',
    failures='stacks',
    faults='faults',
    licences='licences',
    machine='benchmark',
    bounds='benchmark',
    precisions='benchmark',
    runtimes='benchmark',
    whole_models='benchmark',
    models='model_zoo',
    peers='benchmark',
    runs='synthetic_runs',
    stacks='stacks',
    suite='benchmark',
    sweep='drop_in',
    thresholds='synthetic_runs',
    versions='synthetic_runs',
    **dict.fromkeys(tables.TABLES, 'tables'),
)


def test_every_part_names_its_writer():
    found = {}
    for page in PAGES:
        text = page.read_text()
        assert len(set(marked.names(text))) == len(marked.names(text)), 'a name twice'
        for part in marked.PART.finditer(text):
            writer = part['begin'].rpartition('python -m tools.pages.')[2].split()[0]
            # two machines' tables of one kind have pages of their own
            assert found.setdefault(part['name'], writer) == writer
    assert found == WRITERS


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_no_mark_is_left_alone(page):
    text = page.read_text()
    count = len(marked.names(text))
    assert text.count('<!-- begin') == text.count('<!-- end') == count


@pytest.mark.parametrize('writer', [model_zoo, readme, tables], ids=lambda x: x.__name__)
def test_up_to_date(writer):
    writer.main(Namespace(check=True, update=False))


def test_out_of_date(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, 'DOCS', tmp_path)
    page = tmp_path / 'weights.md'
    page.write_text((DOCS / 'weights.md').read_text().replace('81.6', '99.9'))
    with pytest.raises(SystemExit, match=r'weights\.md is out of date: run python -m tools'):
        tables.main(Namespace(check=True))
    tables.main(Namespace(check=False))
    assert page.read_text() == (DOCS / 'weights.md').read_text()


def test_model_zoo_out_of_date(tmp_path, monkeypatch):
    page = tmp_path / 'model_zoo.md'
    page.write_text('words\n<!-- begin models -->\noutdated\n<!-- end models -->\nmore words\n')
    monkeypatch.setattr(model_zoo, 'PAGE', page)
    with pytest.raises(SystemExit, match=r'model_zoo\.md is out of date: run '):
        model_zoo.main(Namespace(check=True, update=False))
    model_zoo.main(Namespace(check=False, update=False))
    text = page.read_text()
    assert model_zoo.models() in text and 'outdated' not in text
    assert text.startswith('words\n') and text.endswith('\nmore words\n')

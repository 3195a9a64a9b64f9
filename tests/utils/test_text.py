"""Tables as text."""

from hybrid_backbones.utils.text import aligned_columns, markdown_table


def test_markdown():
    table = markdown_table(['a', 'b'], [('x', 1), ('y | z', '')])
    assert table == '| a | b |\n| --- | --- |\n| x | 1 |\n| y \\| z |  |\n'
    assert markdown_table(['a'], []) == '| a |\n| --- |\n'


def test_columns():
    rows = [('name', 'size', ''), ('long name', '10', 'x')]
    assert aligned_columns(rows, 'lrl') == 'name       size\nlong name    10  x'
    assert aligned_columns(rows, 'rll', indent='  ') == ('       name  size\n  long name  10    x')

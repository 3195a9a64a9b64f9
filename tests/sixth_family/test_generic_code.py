"""No family's name stands in the code that serves all families, so that a sixth is served too."""

import ast
import re
from pathlib import Path

import hybrid_backbones
from hybrid_backbones.backbones import families

PACKAGE = Path(hybrid_backbones.__file__).parent
FAMILIES = [name.lower() for name in families()]
# OpenCV's function has the name of a family in its own
NAMES = re.compile(f'({"|".join(FAMILIES)})(?!color)', re.IGNORECASE)
# where all families are named so that they can be imported
LISTS = ('__init__.py', 'backbones/__init__.py')
FOR_PEOPLE = ('description', 'epilog', 'help')  # argparse's examples


def is_of_a_family(path: Path) -> bool:
    """Whether a file is a family's own, or lists them."""
    place = path.relative_to(PACKAGE)
    own = place.parts[0] == 'backbones' and place.stem.startswith(tuple(FAMILIES))
    return own or 'families' in place.parts[:-1] or place.as_posix() in LISTS


GENERIC = [path for path in sorted(PACKAGE.rglob('*.py')) if not is_of_a_family(path)]


class Code(ast.NodeTransformer):
    """What runs: without docstrings, and without what only people read on a command line."""

    def visit_Expr(self, node):
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return ast.copy_location(ast.Pass(), node) if text else self.generic_visit(node)

    def visit_Call(self, node):
        node.keywords = [keyword for keyword in node.keywords if keyword.arg not in FOR_PEOPLE]
        return self.generic_visit(node)


def named_in(text: str) -> list:
    """The lines of code that name a family; ``ast`` has dropped the comments."""
    code = ast.unparse(Code().visit(ast.parse(text)))
    return [line.strip() for line in code.splitlines() if NAMES.search(line)]


def test_names_no_family():
    found = {str(path.relative_to(PACKAGE)): named_in(path.read_text()) for path in GENERIC}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_what_counts():
    assert named_in('"""As UniFormer."""\nx = 1  # as UniFormer') == []
    assert named_in('def f():\n    """Of CvT."""\n    return cv2.cvtColor(x)') == []
    assert named_in('p.add_argument("name", help="as uniformer_small")') == []
    for code in ("x = {'CvT': 1}", 'from ..backbones.hrformer import Block', 'TransXNet()'):
        assert named_in(code), code
    for code in ('def _conformer(): pass', "f'{x} of UniFormer'", 'x.uniformer = 1', 'f(cvt=1)'):
        assert named_in(code), code


def test_what_is_generic():
    """Nearly all of the package; each family's own files are where it looks for them."""
    places = {path.relative_to(PACKAGE).as_posix() for path in GENERIC}
    assert {'backbones/base.py', 'zoo/names.py', 'deploy/exporting/dynamic_shapes.py'} <= places
    own = {path for path in PACKAGE.rglob('*.py') if is_of_a_family(path)}
    assert all((PACKAGE / 'backbones' / f'{family}.py') in own for family in FAMILIES)
    assert len(own) < len(places) / 4

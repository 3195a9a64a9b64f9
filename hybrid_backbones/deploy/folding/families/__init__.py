"""What is folded in each kind of module: the shared ones, and each family's own."""

from typing import Dict

from .. import rules
from . import conformer, cvt, hrformer, transxnet, uniformer

RULES: Dict[type, rules.Rule] = {
    **rules.RULES,
    **conformer.RULES,
    **cvt.RULES,
    **hrformer.RULES,
    **transxnet.RULES,
    **uniformer.RULES,
}

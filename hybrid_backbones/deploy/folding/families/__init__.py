"""What is folded in each kind of module: the shared ones, and each family's own."""

from typing import Dict, Mapping

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


def register_fold_rules(family_rules: Mapping[type, rules.Rule]) -> None:
    """Make known how a family's own modules are folded.

    Args:
        family_rules: By the exact class of a module, a function as in
            :mod:`hybrid_backbones.deploy.folding.rules`.
    """
    RULES.update(family_rules)

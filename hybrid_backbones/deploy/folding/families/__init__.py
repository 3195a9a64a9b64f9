"""What is folded in each kind of module: the shared ones, and each family's own.

Each module in this folder has the ``RULES`` of one family.
"""

from typing import Dict, Mapping

from ....utils.modules import modules_in
from .. import rules

RULES: Dict[type, rules.Rule] = dict(rules.RULES)


def register_fold_rules(family_rules: Mapping[type, rules.Rule]) -> None:
    """Make known how a family's own modules are folded.

    Args:
        family_rules: By the exact class of a module, a function as in
            :mod:`hybrid_backbones.deploy.folding.rules`.
    """
    RULES.update(family_rules)


for _family in modules_in(__name__):
    register_fold_rules(_family.RULES)

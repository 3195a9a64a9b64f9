"""A family in a package of its own: what it registers on import is all that others see of it.

Its three files are as they would be in ``hybrid_backbones``; only these two calls would not.
"""

from hybrid_backbones.deploy.folding.families import register_fold_rules
from hybrid_backbones.weights import register_weights

from . import backbone, fold_rules, key_mapping

register_weights(key_mapping.KEY_MAPPINGS, key_mapping.PRETRAINED)
register_fold_rules(fold_rules.RULES)

__all__ = ['backbone', 'fold_rules', 'key_mapping']

"""Backbones as they are deployed."""

from .folding.fold import FoldedBackbone, fold, fold_model

__all__ = ['FoldedBackbone', 'fold', 'fold_model']

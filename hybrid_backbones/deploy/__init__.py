"""Backbones as they are deployed."""

from .folding import FoldedBackbone, fold, fold_model

__all__ = ['FoldedBackbone', 'fold', 'fold_model']

"""Attention maps, feature maps, Grad-CAM and effective receptive fields."""

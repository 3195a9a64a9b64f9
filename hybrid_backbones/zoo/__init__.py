"""Backbones and configs by name."""

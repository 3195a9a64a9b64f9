"""Browsing a dataset as training reads it."""

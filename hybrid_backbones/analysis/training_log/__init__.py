"""Curves of training runs."""

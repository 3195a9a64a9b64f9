"""Fusing norms and scales into the neighbouring convolutions, for inference."""

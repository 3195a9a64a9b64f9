"""What a backbone, a model, a dataset or a training run is like; no room imports another."""

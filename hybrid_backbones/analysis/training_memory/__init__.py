"""The GPU memory that a training step needs, without a GPU."""

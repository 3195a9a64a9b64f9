"""Speed and peak memory of backbones and models."""

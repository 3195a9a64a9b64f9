"""Writing backbones to ONNX and torch.export files."""

"""Parts, costs, weights and configs of a backbone, or of a config."""

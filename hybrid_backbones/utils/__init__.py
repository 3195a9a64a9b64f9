"""Files, text and versions."""

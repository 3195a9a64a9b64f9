"""Files, text, modules and versions."""

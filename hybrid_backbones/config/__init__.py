"""Reading configs, and what is in them."""

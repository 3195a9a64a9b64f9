"""The actions of ``hybrid-backbones experiment``, each with ``add_arguments`` and ``run``."""

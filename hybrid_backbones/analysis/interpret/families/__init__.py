"""What each family says about its attention and its published classifier.

Each module in this folder registers what one family has of its own.
"""

from ....utils.modules import modules_in

modules_in(__name__)

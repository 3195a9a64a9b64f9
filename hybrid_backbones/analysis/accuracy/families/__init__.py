"""How each family's authors prepared images: each module in this folder has that of one family."""

from ....utils.modules import modules_in

modules_in(__name__)

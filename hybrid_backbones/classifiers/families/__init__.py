"""Every family's head: each module in this folder has that of one family."""

from ...utils.modules import modules_in

modules_in(__name__)

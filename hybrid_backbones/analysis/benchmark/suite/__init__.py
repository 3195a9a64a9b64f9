"""A table of all backbones on a GPU, row by row, within the minutes that there are."""

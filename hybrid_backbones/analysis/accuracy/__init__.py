"""ImageNet accuracy of a classifier, measured as its authors measured it."""

"""OpenMMLab's libraries as they are found on users' machines, and what they need to run there."""

"""Predicting on images with a trained model."""

"""Layers that are trained, in Keras."""

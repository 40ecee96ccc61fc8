"""Inference in NumPy alone: cells, models, sampling. Nothing here imports TensorFlow or Keras."""

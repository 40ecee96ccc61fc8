"""The same cells in NumPy, to run without TensorFlow."""

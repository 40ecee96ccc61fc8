"""From files to ids and back: plain Python and NumPy, never TensorFlow."""

"""Model builders: a configuration in, a `keras.Model` with logits out."""

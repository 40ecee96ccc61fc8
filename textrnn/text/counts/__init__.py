"""Counts of n-grams: what follows what in a text, and how likely that makes each token."""

"""Counts of what follows what: n-gram models of tokens with modified Kneser-Ney smoothing, in NumPy."""

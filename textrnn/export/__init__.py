"""Saved language models for other programs."""

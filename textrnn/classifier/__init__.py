"""Telling the classes of texts."""

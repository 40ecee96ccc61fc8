"""Turning texts into others."""

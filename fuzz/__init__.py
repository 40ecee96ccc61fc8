"""Mutations of real files against everything that reads what strangers made: `python -m fuzz --time 15m`."""

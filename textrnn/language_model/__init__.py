"""Learning a text, writing and scoring."""

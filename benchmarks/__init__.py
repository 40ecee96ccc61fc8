"""Scripts that print the tables of benchmarks/README.md; `python -m benchmarks` runs those that need no other files."""

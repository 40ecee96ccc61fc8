"""The learning material: pages in English and Chinese, and what builds them (`python -m docs`, `make docs`)."""

"""Launcher for a checkout: `python cli.py train corpus.txt` (an installed package has the command `textrnn`)."""

from textrnn.cli.main import main

if __name__ == "__main__":
    main()

"""`python -m textrnn` is the command `textrnn`."""

from textrnn.cli.main import main

if __name__ == "__main__":
    main()

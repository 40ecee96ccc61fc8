"""`python -m docs` runs all commands of the pages and builds build/docs; `--no-run` only builds."""

import argparse
import sys
import tempfile
from pathlib import Path

from docs.pages import DOCS
from docs.record import CommandFailed, record
from docs.site import PageError, build, write_what_follows


def main() -> None:
    """Runs and builds; one line on standard error says what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m docs", description=__doc__)
    parser.add_argument("--no-run", action="store_true", help="build from what the pages hold already")
    arguments = parser.parse_args()
    target = DOCS.parent / "build" / "docs"
    try:
        if not arguments.no_run:
            with tempfile.TemporaryDirectory() as folder:
                record(Path(folder), tell=lambda text: print(text, file=sys.stderr, flush=True))
        write_what_follows()
        print(f"{target}: {build(target)} pages")
    except (CommandFailed, PageError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

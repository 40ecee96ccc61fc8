"""What native libraries write to standard error by themselves, kept back."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from textrnn.base.errors import TextRNNError


@contextlib.contextmanager
def standard_error_kept_back() -> Iterator[None]:
    """Keeps what native code writes to standard error from the user, and replays it if the block fails by itself.

    TensorFlow and LiteRT write there while they start, before any setting of their own can stop it.
    """
    try:
        sys.stderr.flush()
        saved = os.dup(2)
    except (OSError, ValueError, AttributeError):  # no standard error at all
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except (TextRNNError, KeyboardInterrupt):  # which say all there is to say
            raise
        except BaseException:
            kept.seek(0)
            os.write(saved, kept.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)

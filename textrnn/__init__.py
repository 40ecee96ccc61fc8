"""Train recurrent networks on a person's own text.

`load` opens a saved run without TensorFlow; `train` makes one. Both are found on first use, so that
`import textrnn` costs nothing.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "load", "train"]


def __getattr__(name: str) -> Any:
    if name == "load":
        from textrnn.runtime.load import load

        return load
    if name == "train":
        from textrnn.tasks.train import train

        return train
    raise AttributeError(f"module 'textrnn' has no attribute {name!r}")

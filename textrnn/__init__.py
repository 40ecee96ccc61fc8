"""Train recurrent networks on a person's own text.

`load` opens a saved run without TensorFlow; `train` makes one. Every public name is imported when it is first used, so
that `import textrnn` costs nothing.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

# Public names and where they are: users need not know the folders.
_PLACES = {
    "CellSpec": "textrnn.nn.architectures",
    "ModelConfig": "textrnn.nn.options",
    "SampleConfig": "textrnn.language_model.sample_options",
    "SlidingWindows": "textrnn.text.windows",
    "Streams": "textrnn.text.windows",
    "WindowDataset": "textrnn.language_model.keras_dataset",
    "build_language_model": "textrnn.language_model.network",
    "load": "textrnn.base.run",
    "probabilities": "textrnn.language_model.sampling",
    "read_language_model": "textrnn.inspect.activations",
    "train": "textrnn.language_model.train",
}
__all__ = ["__version__", *_PLACES]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'textrnn' has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)

"""Train recurrent networks on a person's own text.

`load` opens a saved run without TensorFlow; `train`, `classify`, `translate` and `answer` make one, as the commands of
these names do. Every public name is imported when it is first used, so that `import textrnn` costs nothing.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

# Public names and where they are, `module:name`: users need not know the folders.
_PLACES = {
    "CellSpec": "textrnn.nn.architectures:CellSpec",
    "ModelConfig": "textrnn.nn.options:ModelConfig",
    "PairOptions": "textrnn.translator.pairs:PairOptions",
    "SampleConfig": "textrnn.language_model.sample_options:SampleConfig",
    "SlidingWindows": "textrnn.text.windows:SlidingWindows",
    "Streams": "textrnn.text.windows:Streams",
    "TableOptions": "textrnn.text.table.table:TableOptions",
    "TextRNNError": "textrnn.base.errors:TextRNNError",
    "WindowDataset": "textrnn.language_model.keras_dataset:WindowDataset",
    "answer": "textrnn.answerer.train:train",
    "build_language_model": "textrnn.language_model.network:build_language_model",
    "classify": "textrnn.classifier.train:train",
    "load": "textrnn.base.run:load",
    "probabilities": "textrnn.language_model.sampling:probabilities",
    "read_language_model": "textrnn.inspect.activations:read_language_model",
    "train": "textrnn.language_model.train:train",
    "translate": "textrnn.translator.train:train",
}
_COMMANDS = ("answer", "classify", "load", "train", "translate")
__all__ = ["__version__", *_PLACES]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'textrnn' has no attribute {name!r}")
    from textrnn.base.errors import for_python

    module, _, attribute = _PLACES[name].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if name not in _COMMANDS:
        return found
    found = for_python(found)
    found.__name__ = found.__qualname__ = name  # for `help`
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})

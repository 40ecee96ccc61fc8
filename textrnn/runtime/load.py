"""Opening a saved run of any kind, without TensorFlow."""

from __future__ import annotations

from pathlib import Path

from textrnn.run import find_run, read_run
from textrnn.runtime import answerer, language_model
from textrnn.runtime.answerer import Answerer
from textrnn.runtime.classifier import KIND, TextClassifier, open_classifier
from textrnn.runtime.translator import KIND as TRANSLATOR
from textrnn.runtime.translator import Translator, open_translator


def load(
    model: str | Path, models_dir: str | Path = "models"
) -> language_model.LanguageModel | TextClassifier | Translator | Answerer:
    """Opens a saved run; TensorFlow is not needed and not imported.

    Args:
        model: the folder of the run, or its name under `models_dir`.
        models_dir: where runs are kept.

    Returns:
        a language model, ready to generate and to score, a classifier, ready to tell the classes of texts, a
        translator, or an answerer, ready to answer questions about stories.

    Raises:
        RunError: there is no such run, it is damaged, or its parts do not belong together.
    """
    path = find_run(str(model), Path(models_dir), language_model.KIND)
    kind = read_run(path).get("kind")
    if kind == TRANSLATOR:
        return open_translator(path)
    if kind == answerer.KIND:
        return answerer.open_answerer(path)
    return open_classifier(path) if kind == KIND else language_model.open_run(path)

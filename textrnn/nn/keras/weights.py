"""Plain names for the weights of a model, the same in Keras, in `model.safetensors` and in NumPy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from textrnn.base.errors import RunError

Model = Any  # a keras.Model; `parts` are its layers with names of their own


def named_variables(model: Model) -> dict[str, keras.Variable]:
    """The trainable weights of a model by name, such as `layer0/recurrent_kernel`.

    Layers that read both ways have `layer1/forward/kernel` and `layer1/backward/kernel`.
    """
    if not hasattr(model, "parts"):  # its weights are its own, and not those of layers
        return {weight.name: weight for weight in model.weights}
    found: dict[str, Any] = {}
    for layer in model.parts:
        if isinstance(layer, keras.layers.Bidirectional):
            for way, inner in (("forward", layer.forward_layer), ("backward", layer.backward_layer)):
                found.update({f"{layer.name}/{way}/{weight.name}": weight for weight in inner.weights})
        else:
            found.update({f"{layer.name}/{weight.name}": weight for weight in layer.weights})
    return found


def get_weights(model: Model) -> dict[str, np.ndarray]:
    """A copy of the weights as float32 arrays by name."""
    return {name: variable.numpy() for name, variable in named_variables(model).items()}


def set_weights(model: Model, weights: dict[str, np.ndarray]) -> None:
    """Gives a model the weights that `get_weights` took.

    Raises:
        RunError: names or shapes are not those of the model.
    """
    variables = named_variables(model)
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    given = {name: tuple(array.shape) for name, array in weights.items()}
    if shapes != given:
        wrong = sorted(name for name in shapes.keys() | given.keys() if shapes.get(name) != given.get(name))
        name = wrong[0]
        raise RunError(
            f"the weights do not fit the model: {name} is {given.get(name, 'missing')}, "
            f"expected {shapes.get(name, 'none of that name')}"
        )
    for name, variable in variables.items():
        variable.assign(weights[name])


def begin_with(model: Model, weights: dict[str, np.ndarray], *, behind: int = 0) -> None:
    """Gives a model the weights of another, whose vocabulary is the beginning of its own; new tokens keep drawn ones.

    Args:
        model: with its weights made.
        weights: of the other, by name; those of names that the model lacks, and of its gate, are not looked at.
        behind: ids behind the vocabulary, such as an end: they stand behind the larger one as well.

    Raises:
        RunError: they differ in more than the vocabulary.
    """
    for name, variable in named_variables(model).items():
        if name.startswith("gate/"):
            continue
        if name not in weights or weights[name].ndim != len(variable.shape):
            raise RunError(f"the weights do not fit the model: {name} is missing, or of other dimensions")
        old, new = weights[name], variable.numpy()
        axes = [axis for axis in range(old.ndim) if old.shape[axis] != new.shape[axis]]
        if len(axes) > 1 or any(old.shape[axis] > new.shape[axis] for axis in axes):
            raise RunError(f"the weights do not fit the model: {name} is {old.shape}, expected at most {new.shape}")
        # One-hot vectors of tokens have the condition of a text behind them.
        last = behind + (getattr(model, "num_conditions", 0) if name.startswith("layer0/") else 0)
        for axis in axes:
            places = np.arange(old.shape[axis])
            places[len(places) - last :] += new.shape[axis] - old.shape[axis]
            grown = np.moveaxis(new, axis, 0)  # a view
            grown[places] = np.moveaxis(old, axis, 0)
            old = new
        variable.assign(old)


def freeze(model: Model, *, embed: bool, layers: int) -> None:
    """Leaves weights out of learning: those of the embeddings, and those of the first recurrent layers."""
    embeddings = [part for part in model.parts if isinstance(part, keras.layers.Embedding)]
    for layer in embeddings * embed + model.recurrent[:layers]:
        layer.trainable = False

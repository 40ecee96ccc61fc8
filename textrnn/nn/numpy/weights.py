"""The arrays of a run as networks take them: by name and shape, with none left over."""

from __future__ import annotations

import numpy as np

from textrnn.base.errors import RunError
from textrnn.nn.architectures import CellSpec
from textrnn.nn.numpy.cells import Cell, make_cell


class Weights:
    """The arrays of a run by name; whatever is not there, or not used, is an error of the run."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays, self._used = arrays, set[str]()

    def get(self, name: str, *shape: int | None) -> np.ndarray:
        """The array of a name as float32; None in `shape` stands for any length.

        Raises:
            RunError: it is not there, of another shape, or not finite.
        """
        array = self._arrays.get(name)
        fits = array is not None and len(array.shape) == len(shape)
        if array is None or not fits or any(n not in (None, m) for n, m in zip(shape, array.shape, strict=True)):
            found = "missing" if array is None else f"of shape {array.shape}"
            raise RunError(f"the weights do not fit the model: {name} is {found}, expected shape {shape}")
        self._used.add(name)
        with np.errstate(over="ignore"):
            values: np.ndarray = np.asarray(array, np.float32)
        if not np.isfinite(values).all():
            raise RunError(f"the weights do not fit the model: {name} has values that are not finite")
        return values

    def of_cell(self, spec: CellSpec, prefix: str, inputs: int, units: int) -> dict[str, np.ndarray]:
        """The weights of the layer named `prefix`, as Keras has them."""
        return {name: self.get(f"{prefix}/{name}", *shape) for name, shape in spec.weights(inputs, units).items()}

    def cell(self, spec: CellSpec, prefix: str, inputs: int, units: int) -> Cell:
        """The cell whose weights begin with `prefix`."""
        return make_cell(spec, units, self.of_cell(spec, prefix, inputs, units))

    def check_all_used(self) -> None:
        """Raises RunError when the run holds weights that the model has no place for."""
        if left := sorted(self._arrays.keys() - self._used):
            raise RunError(f"the weights do not fit the model: it has no place for {left[0]}")

"""Making a reservoir of a given spectral radius."""

from __future__ import annotations

from typing import Any

import numpy as np

from textrnn.nn.numpy.reservoir import Reservoir
from textrnn.nn.reservoir_options import ReservoirConfig

SMALL = 200  # units for which all eigenvalues are computed


class FastReservoir(Reservoir):
    """A reservoir for many rows side by side: the same, several times as fast, by SciPy."""

    def recur(self, state: np.ndarray) -> np.ndarray:
        """See `Reservoir.recur`."""
        if not hasattr(self, "_matrix"):
            object.__setattr__(self, "_matrix", to_matrix(self.index, self.weights))
        found: np.ndarray = self._matrix @ state  # type: ignore[attr-defined]
        return found


def to_matrix(index: np.ndarray, weights: np.ndarray) -> Any:
    """The connections as a sparse matrix float[units, units]: row for row what each unit reads."""
    from scipy.sparse import csr_matrix

    connections, units = index.shape
    rows = np.repeat(np.arange(units), connections)
    return csr_matrix((weights.T.ravel(), (rows, index.T.ravel())), (units, units))


def make_reservoir(config: ReservoirConfig, vocab_size: int, units: int, random_seed: int) -> FastReservoir:
    """Draws a reservoir and scales its connections to the spectral radius that is asked for.

    Each unit reads as many others, chosen at random without repetition; weights are drawn from a normal distribution,
    those of inputs evenly from -input_scale to input_scale.

    Args:
        config: its options.
        vocab_size: number of tokens, each of which has a weight to each unit.
        units: number of units.
        random_seed: decides all that is drawn.
    """
    rng = np.random.default_rng((random_seed, 3))
    connections = config.connections(units)
    index = np.stack([rng.choice(units, connections, replace=False) for _ in range(units)], 1)
    weights = rng.standard_normal((connections, units))
    radius = spectral_radius(index, weights)
    if radius > 0:  # few units may have no loop at all
        weights *= config.spectral_radius / radius
    inputs = rng.uniform(-config.input_scale, config.input_scale, (vocab_size, units))
    return FastReservoir(inputs.astype(np.float32), index, weights.astype(np.float32), config.leak)


def spectral_radius(index: np.ndarray, weights: np.ndarray) -> float:
    """The largest absolute eigenvalue of connections float[connections, units].

    For many units by Arnoldi iteration, to about three digits.

    Reference:
        R. Lehoucq, D. Sorensen and C. Yang, 1998, ARPACK users' guide.

    Example:
        >>> round(spectral_radius(np.array([[1, 0]]), np.array([[2.0, 0.5]])), 6)  # 0 reads 1, and 1 reads 0
        1.0
    """
    matrix = to_matrix(index, weights)
    units = index.shape[1]
    if units <= SMALL:
        return float(np.abs(np.linalg.eigvals(matrix.toarray())).max())
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    try:
        found = eigs(matrix, 4, ncv=60, tol=1e-3, v0=np.ones(units), maxiter=200, return_eigenvectors=False)
    except ArpackNoConvergence as error:
        found = error.eigenvalues
    # Without any, the circular law: of independent weights, the radius is the root of the sum of squares of a row.
    return float(np.abs(found).max()) if len(found) else float(np.sqrt((weights**2).sum(0).mean()))

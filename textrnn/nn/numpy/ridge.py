"""Learning the readout of a reservoir in closed form and constant memory, and how its scores become probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from textrnn.nn.numpy.reservoir import Calibration, log_softplus

RIDGES = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)  # for each token; one of them is chosen where none is given
WIDTHS = (0.015, 0.03, 0.06, 0.12)  # of a calibration
MOST_PAIRED = 512  # tokens of a vocabulary of which pairs are counted
PRIOR_COUNT = 2.0  # tokens that a pair's probability is drawn to the single token's by
NEWTON_STEPS, DAMPING, ENOUGH_NATS = 10, 1e-6, 1e-5


class Sums:
    """What a ridge regression needs of all rows seen so far: constant memory, whatever their number.

    Args:
        features: of a row.
        outputs: of a row.

    Attributes:
        gram: float64[features + 1, features + 1], the sum of x x^T, with a 1 behind each x.
        cross: float64[outputs, features + 1], the sum of y x^T.
        count: the sum of the rows' weights.
    """

    def __init__(self, features: int, outputs: int) -> None:
        self.gram, self.cross = np.zeros((features + 1, features + 1)), np.zeros((outputs, features + 1))
        self.count = 0.0

    def add(self, block: np.ndarray, labels: np.ndarray, row_weights: np.ndarray | None = None) -> None:
        """Adds rows whose outputs are one-hot.

        Args:
            block: float[features + 1, rows], the last row all 1; few rows need the precision of float64.
            labels: int[rows], which output is 1.
            row_weights: float[rows], what each row counts; 1 when None.
        """
        from scipy.sparse import csr_matrix

        if row_weights is not None:
            block = block * np.sqrt(row_weights).astype(block.dtype)
        ones = np.ones(len(labels)) if row_weights is None else np.sqrt(row_weights)
        shape = len(labels), len(self.cross)
        one_hot: Any = csr_matrix((ones.astype(block.dtype), labels, np.arange(len(labels) + 1)), shape).T
        if len(self.cross) < len(block):  # a product of full matrices is faster, unless there are many outputs
            one_hot = one_hot.toarray()
        self.gram += block @ block.T
        self.cross += one_hot @ block.T
        self.count += float(len(labels) if row_weights is None else row_weights.sum())

    def merge(self, other: Sums) -> None:
        """Adds the rows of other sums."""
        self.gram += other.gram
        self.cross += other.cross
        self.count += other.count

    def solve(self, ridge: float) -> tuple[np.ndarray, np.ndarray]:
        """Kernel float32[features, outputs] and bias float32[outputs] of the regression on all rows.

        They minimise the sum of squared errors + ridge * count * the sum of squares of the kernel. A penalty that is
        too small for the precision of the sums is made ten times as large until it is not.

        Reference:
            A. Hoerl and R. Kennard, 1970, Ridge regression: biased estimation for nonorthogonal problems.
        """
        from scipy.linalg import cho_factor, cho_solve

        count = max(1.0, self.count)
        mean, mean_output = self.gram[-1, :-1] / count, self.cross[:, -1] / count
        gram = self.gram[:-1, :-1] / count
        gram -= np.outer(mean, mean)
        cross = self.cross[:, :-1].T / count
        cross -= np.outer(mean, mean_output)
        while True:
            penalised = gram + ridge * np.eye(len(gram))
            try:
                kernel = cho_solve(cho_factor(penalised, lower=True, overwrite_a=True), cross)
                break
            except np.linalg.LinAlgError:
                ridge *= 10
        return kernel.astype(np.float32), (mean_output - mean @ kernel).astype(np.float32)


@dataclass(frozen=True)
class Held:
    """Rows that a readout is chosen on, and has not learnt from.

    Attributes:
        block: float32[features + 1, rows], the last row all 1.
        before: int[rows], the token that was read last.
        labels: int[rows], the token that follows.
    """

    block: np.ndarray
    before: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Readout:
    """A readout that was chosen on rows it had not learnt from.

    Attributes:
        ridge: its penalty.
        calibration: scores to logits.
        nats: mean loss there.
    """

    ridge: float
    calibration: Calibration
    nats: float


def choose_readout(sums: Sums, held: Held, log_prior: np.ndarray, ridge: float | None) -> Readout:
    """Chooses penalty and calibration, those of the lowest loss.

    Args:
        sums: of the rows that are learnt from.
        held: other rows.
        log_prior: as for `fit_calibration`.
        ridge: the penalty if it is given.
    """
    found, factors = list[tuple[float, float, np.ndarray]](), None
    for penalty in RIDGES if ridge is None else (ridge,):
        scores = _scores(sums, held, penalty)
        factors, nats = _newton(_parts(scores, held, log_prior, WIDTHS[1]), held.labels, factors)
        found.append((nats, penalty, factors))
    nats, penalty, factors = min(found, key=lambda one: one[0])
    scores = _scores(sums, held, penalty)
    calibration, nats = fit_calibration(scores, held, log_prior, factors)
    return Readout(penalty, calibration, nats)


def _scores(sums: Sums, held: Held, ridge: float) -> np.ndarray:
    """Scores float32[rows, vocab] of rows that were not learnt from."""
    kernel, bias = sums.solve(ridge)
    scores: np.ndarray = held.block[:-1].T @ kernel + bias
    return scores


def _parts(scores: np.ndarray, held: Held, log_prior: np.ndarray, width: float) -> list[np.ndarray]:
    """What logits are a sum of, float32[rows, vocab] each: of the scores, and of what is likely without them."""
    before = held.before if len(log_prior) > 1 else np.zeros_like(held.before)
    prior = log_prior.astype(np.float32)
    return [log_softplus(scores, _widths(scores, width)), scores, prior[before], np.exp(prior)[before]]


def _widths(scores: np.ndarray, width: float) -> np.ndarray:
    return np.full(scores.shape[1], width, np.float32)


def fit_calibration(
    scores: np.ndarray, held: Held, log_prior: np.ndarray, factors: np.ndarray | None = None
) -> tuple[Calibration, float]:
    """Fits how scores become logits: four factors by Newton's method, for each of some widths.

    Two of them are of the prior, its logarithm and itself: how much more the scores say than it.

    Args:
        scores: float32[rows, vocab].
        held: the rows.
        log_prior: float64[vocab, vocab], log-probabilities of the next token for each one, or float64[1, vocab].
        factors: to begin with.

    Returns:
        the calibration, and the mean loss in nats.
    """
    best: tuple[Calibration, float] | None = None
    for width in WIDTHS:
        factors, nats = _newton(_parts(scores, held, log_prior, width), held.labels, factors)
        if best is None or nats < best[1]:
            own = (factors[2] * log_prior + factors[3] * np.exp(log_prior)).astype(np.float32)
            best = Calibration(_widths(scores, width), float(factors[0]), float(factors[1]), own), nats
    return best  # type: ignore[return-value]  # there is always a width


class Pairs:
    """Counts of tokens, and of pairs of them if the vocabulary is small.

    Args:
        vocab_size: number of tokens.

    Attributes:
        counts: float64[vocab, vocab], how often each token follows each; float64[1, vocab] for a large vocabulary.
    """

    def __init__(self, vocab_size: int) -> None:
        self.counts = np.zeros((vocab_size if vocab_size <= MOST_PAIRED else 1, vocab_size))

    def add(self, before: np.ndarray, labels: np.ndarray) -> None:
        """Counts the tokens int[rows] that follow others."""
        first = before if len(self.counts) > 1 else np.zeros_like(before)
        np.add.at(self.counts, (first, labels), 1)

    def log_prior(self) -> np.ndarray:
        """Log-probabilities of the next token, of the shape of the counts.

        Reference:
            D. MacKay and L. Bauman Peto, 1995, A hierarchical Dirichlet language model.
        """
        totals = self.counts.sum(0) + 0.5
        found: np.ndarray = np.log(
            (self.counts + PRIOR_COUNT * totals / totals.sum()) / (self.counts.sum(1, keepdims=True) + PRIOR_COUNT)
        )
        return found


def _newton(parts: list[np.ndarray], labels: np.ndarray, begin: np.ndarray | None = None) -> tuple[np.ndarray, float]:
    """The factors of a sum of logits float32[rows, vocab] that make the least loss, and that loss in nats."""
    rows = np.arange(len(labels))
    factors, lowest = np.eye(len(parts))[0] if begin is None else begin, np.inf
    step, kept = np.zeros(len(parts)), factors
    for _ in range(NEWTON_STEPS):
        logits = sum(np.float32(factor) * part for factor, part in zip(factors, parts, strict=True))
        logits -= logits.max(1, keepdims=True)
        chosen = logits[rows, labels].astype(np.float64)
        np.exp(logits, out=logits)
        totals = logits.sum(1, keepdims=True)
        nats = float((np.log(totals[:, 0]) - chosen).mean())
        if not nats < lowest:  # too far: half of the way
            step = step / 2
            factors = kept + step
            continue
        is_near, lowest, kept = lowest - nats < ENOUGH_NATS, nats, factors
        if is_near:
            break
        probabilities = logits / totals
        means = [(probabilities * part).sum(1) for part in parts]
        gradient = np.array([(mean - part[rows, labels]).mean() for mean, part in zip(means, parts, strict=True)])
        hessian = np.empty((len(parts), len(parts)))
        for row, (one, own) in enumerate(zip(parts, means, strict=True)):
            weighted = probabilities * one
            for column in range(row + 1):
                mixed = (weighted * parts[column]).sum(1) - own * means[column]
                hessian[row, column] = hessian[column, row] = mixed.mean(dtype=np.float64)
        step = -np.linalg.solve(hessian + DAMPING * np.eye(len(parts)), gradient)
        factors = kept + step
    return kept, lowest

"""How well peaks were found: matches, precision and recall, and the calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from hyperspy_twin.training.examples import MUST_FIND
from hyperspy_twin.training.truth import TruePeaks

# Bins between a found and a true peak, at most.
TOLERANCE = 2.3
# Candidates below this probability say nothing about the calibration.
SMALLEST_PROBABILITY = 0.02
# Intervals of probability in which the calibration is judged.
BINS = 10


@dataclass(frozen=True)
class Counts:
    """Found, false and missed peaks."""

    found: int = 0
    false: int = 0
    missed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.found + other.found, self.false + other.false, self.missed + other.missed
        )

    @property
    def precision(self) -> float:
        """Fraction of the counting detections that are peaks; 1 without detections."""
        return self.found / max(self.found + self.false, 1) if self.found + self.false else 1.0

    @property
    def recall(self) -> float:
        """Fraction of the peaks that were found; 1 without peaks."""
        return self.found / max(self.found + self.missed, 1) if self.found + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = 2 * self.found + self.false + self.missed
        return 2 * self.found / total if total else 1.0


def outcomes(
    row: np.ndarray, column: np.ndarray, peaks: TruePeaks, shape: tuple[int, int]
) -> tuple[np.ndarray, int]:
    """Judge detections against the truth.

    Parameters
    ----------
    row, column
        Frequencies in bins, fractions allowed, most trusted first, each shape (n,).
    peaks
        The true peaks.
    shape
        Rows and columns of the image.

    Returns
    -------
    outcome : numpy.ndarray
        Shape (n,): 1 for the first detection of a peak that must be found, 0 for a false one,
        -1 for one of a weak or unresolved peak, which does not count.
    number : int
        Number of peaks that must be found.
    """
    must = (peaks.snr > MUST_FIND) & peaks.resolved
    outcome = np.zeros(len(row), int)
    distance = _distances(row, column, peaks, shape)
    free = must.copy()
    for index, line in enumerate(distance):
        near = line <= TOLERANCE
        if (near & free).any():
            outcome[index] = 1
            free[np.argmin(np.where(near & free, line, np.inf))] = False
        elif (near & ~must).any():
            outcome[index] = -1
    return outcome, int(must.sum())


def _distances(
    row: np.ndarray, column: np.ndarray, peaks: TruePeaks, shape: tuple[int, int]
) -> np.ndarray:
    """Bins between detections and peaks or their Friedel partners, shape (n, m)."""
    down = row[:, None] - peaks.row
    partner = row[:, None] + peaks.row
    down, partner = (np.abs((d + shape[0] / 2) % shape[0] - shape[0] / 2) for d in (down, partner))
    across, beyond = column[:, None] - peaks.column, column[:, None] + peaks.column
    return np.minimum(np.hypot(down, across), np.hypot(partner, beyond))


def counts(outcome: np.ndarray, number: int) -> Counts:
    """Count what :func:`outcomes` gave for one spectrum."""
    found = int((outcome == 1).sum())
    return Counts(found, int((outcome == 0).sum()), number - found)


def fit_calibration(logits: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of a logistic curve through outcomes (Platt scaling).

    References
    ----------
    J. Platt, Advances in Large Margin Classifiers, MIT Press (1999) 61.
    """

    def loss(parameters: np.ndarray) -> float:
        value = parameters[0] * logits + parameters[1]
        return float(np.mean(np.logaddexp(0, value) - truth * value))

    slope, intercept = optimize.minimize(loss, [1.0, 0.0], method="Nelder-Mead").x
    return float(slope), float(intercept)


def expected_calibration_error(probability: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance between probability and frequency over ten bins of probability.

    References
    ----------
    Guo et al., "On Calibration of Modern Neural Networks", ICML (2017).
    """
    interval = np.minimum((probability * BINS).astype(int), BINS - 1)
    size = np.bincount(interval, minlength=BINS)
    gap = np.bincount(interval, probability - truth, BINS)
    return float(np.abs(gap).sum() / max(size.sum(), 1))


def cross_entropy(logits: np.ndarray, truth: np.ndarray) -> float:
    """Mean logarithmic loss of outcomes."""
    likely, unlikely = special.log_expit(logits), special.log_expit(-logits)
    return float(-np.mean(truth * likely + (1 - truth) * unlikely))

"""A plane lattice and the peaks on it, refined together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hyperspy_twin.core import PlaneLattice, fit_basis, reduce_basis
from hyperspy_twin.spectra.lattices.search import COPY_TOLERANCE, copy_evidence

# Squared deviation, in variances, up to which a peak belongs to a lattice.
GATE = 12.0
# Rounds of collecting peaks and fitting, in which nearly every fit settles.
ROUNDS = 6
# Peaks from which the scatter of a lattice is judged by itself. This and the constants below are
# set on the tuning half of benchmarks/spots.py.
FEWEST_FOR_SCALE = 8
# Smallest fraction of the assumed distortion that the scatter may come to.
SMALLEST_SCALE = 0.1
# What the median of so few may be too low by.
SAFETY = 1.5
# Halvings of the logarithm of the scale: to within 4 %.
BISECTIONS = 6


@dataclass(frozen=True)
class PeakSet:
    """Peaks, one of each Friedel pair, strongest first, as the search of lattices takes them.

    Attributes
    ----------
    position, variance
        Peaks and their squared errors, each of shape (n, 2).
    snr
        Their power over that of the noise, shape (n,).
    free
        Whether a peak is on no lattice yet, shape (n,).
    """

    position: np.ndarray
    variance: np.ndarray
    snr: np.ndarray
    free: np.ndarray


@dataclass(frozen=True)
class LatticeFit:
    """A plane lattice fitted to peaks.

    Attributes
    ----------
    lattice
        The lattice by its reduced basis.
    covariance_x, covariance_y
        Covariances of the x and of the y components of the two vectors, shape (2, 2).
    members
        Whether each peak belongs to it, shape (n,).
    """

    lattice: PlaneLattice
    covariance_x: np.ndarray
    covariance_y: np.ndarray
    members: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    @property
    def basis(self) -> np.ndarray:
        """Reduced basis in rows, shape (2, 2)."""
        return self.lattice.basis

    @property
    def covariance(self) -> np.ndarray:
        """Covariance (4, 4) of the basis; its x and y components are independent."""
        result = np.zeros((4, 4))
        result[::2, ::2] = self.covariance_x
        result[1::2, 1::2] = self.covariance_y
        return result

    def variance_at(self, index: np.ndarray) -> np.ndarray:
        """Squared errors (n, 2) of the lattice at coordinates (n, 2)."""
        along = [
            ((index @ covariance) * index).sum(axis=1)
            for covariance in (self.covariance_x, self.covariance_y)
        ]
        return np.stack(along, axis=1)

    def ratios(
        self, position: np.ndarray, variance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Integer coordinates (n, 2), logarithmic likelihood ratio and squared deviation (n,)."""
        index = self.lattice.nearest_index(position)
        residual = position - index @ self.basis
        total = variance + self.variance_at(index)
        deviation = (residual**2 / total).sum(axis=1)
        spread = 2 * np.pi * np.sqrt(total.prod(axis=1))
        ratio = np.log(self.lattice.area / spread) - 0.5 * deviation
        return index, np.where(index.any(axis=1), ratio, -np.inf), deviation


def reduce_fit(vectors: np.ndarray, *covariances: np.ndarray) -> LatticeFit:
    """Take the lattice of two vectors, with covariances of their x and y, by its reduced basis."""
    basis, change = reduce_basis(vectors)
    return LatticeFit(PlaneLattice(basis), *(change @ one @ change.T for one in covariances))


def refine_lattice(fit: LatticeFit, peaks: PeakSet) -> LatticeFit:
    """Collect the peaks on a lattice and fit it to them, in turn, until nothing changes.

    Peaks of other lattices count where they coincide, so that a twin keeps the row it shares.
    """
    members = np.zeros(len(peaks.position), bool)
    for _ in range(ROUNDS):
        index, ratio, deviation = fit.ratios(peaks.position, peaks.variance)
        found = _one_per_point(index, ratio, deviation, peaks.free)
        if (found == members).all():
            break
        members = found
        if members.sum() < 2 or np.linalg.matrix_rank(index[members]) < 2:
            break
        fit = fit_lattice(index[members], peaks, members)
    return replace(fit, members=members)


def measure_distortion(
    fit: LatticeFit, position: np.ndarray, measured: np.ndarray, distorted: np.ndarray
) -> float:
    """Factor on the assumed distortion that the scatter of the members asks for.

    Half of all normal deviates in a plane are within sqrt(2 ln 2) standard deviations: the median
    is not moved by the few peaks that do not belong to the lattice. The squared errors (n, 2) are
    those of the measurement, and of a distortion as large as assumed. The factor is from
    :data:`SMALLEST_SCALE` to 1, and 1 where there are too few peaks to tell.
    """
    position, measured, distorted = (one[fit.members] for one in (position, measured, distorted))
    number = len(position)
    if number < FEWEST_FOR_SCALE:
        return 1.0
    residual = position - fit.lattice.nearest_index(position) @ fit.basis
    low, high = np.log(SMALLEST_SCALE), 0.0
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        variance = measured + np.exp(2 * middle) * distorted
        # A fit of four numbers takes its part of the scatter.
        excess = np.median((residual**2 / variance).sum(axis=1)) / (1 - 2 / number)
        low, high = (middle, high) if excess > 2 * np.log(2) else (low, middle)
    return float(min(SAFETY * np.exp(high), 1.0))


def fit_lattice(index: np.ndarray, peaks: PeakSet, chosen: np.ndarray) -> LatticeFit:
    """Fit a lattice to chosen peaks of known coordinates (n, 2), which are of rank two."""
    position, variance = peaks.position[chosen], peaks.variance[chosen]
    x, covariance_x, _ = fit_basis(index, position[:, 0].copy(), 1 / variance[:, 0])
    y, covariance_y, _ = fit_basis(index, position[:, 1].copy(), 1 / variance[:, 1])
    return reduce_fit(np.stack([x, y], axis=1), covariance_x, covariance_y)


def _one_per_point(
    index: np.ndarray, ratio: np.ndarray, deviation: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """Peaks on a lattice, of several at one point the unexplained and nearest one."""
    inside = np.flatnonzero((ratio > 0) & (deviation < GATE))
    order = inside[np.lexsort((deviation[inside], ~free[inside]))]
    sign = np.where(
        (index[order, :1] < 0) | ((index[order, :1] == 0) & (index[order, 1:] < 0)), -1, 1
    )
    _, first = np.unique(sign * index[order], axis=0, return_index=True)
    members = np.zeros(len(index), bool)
    members[order[first]] = True
    return members


def find_copy(
    fit: LatticeFit, members: np.ndarray, peaks: PeakSet, weight: np.ndarray
) -> tuple[float, LatticeFit]:
    """Find the turned or mirrored copy of a lattice with these members among weighted peaks.

    Returns its evidence, and the lattice to start from, as uncertain as copies are.
    """
    value, copy = copy_evidence(peaks.position, peaks.variance, weight, members, fit.basis)
    basis, _ = reduce_basis(copy)
    spread = np.diag((COPY_TOLERANCE * np.linalg.norm(basis, axis=1)) ** 2)
    return value, LatticeFit(PlaneLattice(basis), spread, spread)

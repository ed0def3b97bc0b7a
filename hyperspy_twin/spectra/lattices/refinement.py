"""A plane lattice and the peaks on it, refined together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hyperspy_twin.core import PlaneLattice, fit_basis, reduce_basis

# Squared deviation, in variances, up to which a peak belongs to a lattice.
GATE = 12.0
# Standard deviation of the relative difference of two copies of a lattice in one image, which the
# scan distorts unlike. This and the constants below are set on the tuning half of
# benchmarks/spots.py.
COPY_TOLERANCE = 0.006
# Largest relative difference in length of the equal peaks of two copies: four such deviations.
COPY_REACH = 0.025
# Rounds of collecting peaks and fitting, in which nearly every fit settles.
ROUNDS = 6
# Peaks from which the scatter of a lattice is judged by itself.
FEWEST_FOR_SCALE = 8
# Smallest fraction of the assumed distortion that the scatter may come to.
SMALLEST_SCALE = 0.1
# What the median of so few may be too low by.
SAFETY = 1.5
# Halvings of the logarithm of the scale: to within 4 %.
BISECTIONS = 6


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


def fit_pair(
    position: np.ndarray, variance: np.ndarray, free: np.ndarray, pair: np.ndarray
) -> LatticeFit:
    """Fit the lattice that two peaks span.

    Parameters
    ----------
    position, variance
        Peaks and their squared errors, each of shape (n, 2).
    free
        Whether a peak is on no other lattice, shape (n,).
    pair
        Indices of the two peaks.

    Returns
    -------
    LatticeFit
        Refined.
    """
    basis, change = reduce_basis(position[pair])
    start = LatticeFit(
        PlaneLattice(basis),
        change @ np.diag(variance[pair, 0]) @ change.T,
        change @ np.diag(variance[pair, 1]) @ change.T,
    )
    return refine_lattice(start, position, variance, free)


def refine_lattice(
    fit: LatticeFit, position: np.ndarray, variance: np.ndarray, free: np.ndarray
) -> LatticeFit:
    """Collect the peaks on a lattice and fit it to them, in turn, until nothing changes.

    Peaks of other lattices count where they coincide, so that a twin keeps the row it shares.

    Parameters
    ----------
    fit
        Starting lattice.
    position, variance
        Peaks and their squared errors, each of shape (n, 2).
    free
        Whether a peak is on no other lattice, shape (n,).

    Returns
    -------
    LatticeFit
        With its members.
    """
    members = np.zeros(len(position), bool)
    for _ in range(ROUNDS):
        index, ratio, deviation = fit.ratios(position, variance)
        found = _one_per_point(index, ratio, deviation, free)
        if (found == members).all():
            break
        members = found
        chosen = index[members]
        if np.linalg.matrix_rank(chosen) < 2:
            break
        fit = fit_lattice(chosen, position[members], variance[members])
    return replace(fit, members=members)


def measure_distortion(
    fit: LatticeFit, position: np.ndarray, measured: np.ndarray, distorted: np.ndarray
) -> float:
    """Factor on the assumed distortion that the scatter of the members asks for.

    Half of all normal deviates in a plane are within sqrt(2 ln 2) standard deviations: the median
    is not moved by the few peaks that do not belong to the lattice.

    Parameters
    ----------
    fit
        A lattice with its members.
    position
        Peaks, shape (n, 2).
    measured, distorted
        Squared errors of the measurement, and by a distortion as large as assumed, (n, 2).

    Returns
    -------
    float
        From :data:`SMALLEST_SCALE` to 1; 1 where there are too few peaks to tell.
    """
    number = int(fit.members.sum())
    if number < FEWEST_FOR_SCALE:
        return 1.0
    index, _, _ = fit.ratios(position[fit.members], measured[fit.members])
    residual = position[fit.members] - index @ fit.basis
    low, high = np.log(SMALLEST_SCALE), 0.0
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        variance = measured[fit.members] + np.exp(2 * middle) * distorted[fit.members]
        # A fit of four numbers takes its part of the scatter.
        excess = np.median((residual**2 / variance).sum(axis=1)) / (1 - 2 / number)
        low, high = (middle, high) if excess > 2 * np.log(2) else (low, middle)
    return float(min(SAFETY * np.exp(high), 1.0))


def fit_lattice(index: np.ndarray, position: np.ndarray, variance: np.ndarray) -> LatticeFit:
    """Fit a lattice to peaks of known coordinates.

    Parameters
    ----------
    index
        Integer coordinates, of rank two, shape (n, 2).
    position, variance
        Peaks and their squared errors, each of shape (n, 2).

    Returns
    -------
    LatticeFit
        With a reduced basis; its members are not set.
    """
    x, covariance_x, _ = fit_basis(index, position[:, 0].copy(), 1 / variance[:, 0])
    y, covariance_y, _ = fit_basis(index, position[:, 1].copy(), 1 / variance[:, 1])
    basis, change = reduce_basis(np.stack([x, y], axis=1))
    return LatticeFit(
        PlaneLattice(basis), *(change @ one @ change.T for one in (covariance_x, covariance_y))
    )


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


def start_from_copy(basis: np.ndarray) -> LatticeFit:
    """Start from the copy of a lattice, shape (2, 2), as uncertain as copies are."""
    reduced, _ = reduce_basis(basis)
    spread = np.diag((COPY_TOLERANCE * np.linalg.norm(reduced, axis=1)) ** 2)
    return LatticeFit(PlaneLattice(reduced), spread, spread)

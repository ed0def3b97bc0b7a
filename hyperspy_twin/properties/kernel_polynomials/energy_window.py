"""The range of energies that holds the whole spectrum, which the recursion needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh_tridiagonal

# Products of the search: the ends of spectra of 1e3 to 1e6 rows are found to 1 % of their width.
LANCZOS_STEPS = 60
# Part of the width that the window is wider than what was found, at each end: the recursion
# grows without bound for an eigenvalue outside, and the kernel is cut at the end of the window.
MARGIN = 0.01
ELEMENTS_AT_ONCE = 1 << 16  # of which products are added in their own precision
# Points for each width of the kernel at half maximum: a Gaussian that is sampled so is known
# between them to 1e-3.
POINTS_PER_WIDTH = 4
# Of the vector that the search starts from. It is Gaussian, since signs can be an exact state.
SEED = 20061


@dataclass(frozen=True)
class EnergyWindow:
    """Interval of energies that is mapped to -1 < x < 1.

    Attributes
    ----------
    centre, half_width
        In the unit of the operator.
    """

    centre: float
    half_width: float

    def __post_init__(self) -> None:
        """Refuse what is no interval."""
        if not (np.isfinite([self.centre, self.half_width]).all() and self.half_width > 0):
            raise ValueError(
                f"an energy window needs a finite centre and a half width above zero, not "
                f"{self.centre} and {self.half_width}"
            )

    @property
    def low(self) -> float:
        """Lower end."""
        return self.centre - self.half_width

    @property
    def high(self) -> float:
        """Upper end."""
        return self.centre + self.half_width

    def scaled(self, energies: np.ndarray | float) -> np.ndarray:
        """Energies mapped to -1 < x < 1.

        Raises
        ------
        ValueError
            If an energy is not finite or lies outside of the window.
        """
        x = (np.asarray(energies, float) - self.centre) / self.half_width
        if not (np.abs(x) < 1).all():
            raise ValueError(
                f"energies from {np.min(energies):.6g} to {np.max(energies):.6g} do not lie "
                f"within the spectrum, which runs from {self.low:.6g} to {self.high:.6g}"
            )
        return x


def find_energy_window(
    product: Callable[[np.ndarray], np.ndarray],
    shape: tuple[int, ...],
    dtype: Any = np.float64,
) -> EnergyWindow:
    """Window that holds the spectrum of a Hermitian operator, by Lanczos steps.

    The ends are the outermost Ritz values, moved out by their residuals and by a margin: Y. Zhou
    and R.-C. Li, Linear Algebra Appl. 435 (2011) 480.

    Parameters
    ----------
    product
        Gives the operator times an array, as a new one.
    shape, dtype
        Of the array that holds one vector.

    Raises
    ------
    ValueError
        If a product is not finite.
    """
    diagonal: list[float] = []
    beside: list[float] = []
    rng = np.random.default_rng(SEED)
    current = rng.standard_normal(shape, np.float32).astype(dtype)
    if np.iscomplexobj(current):
        current += 1j * rng.standard_normal(shape, np.float32).astype(current.real.dtype)
    current /= _norm(current)
    previous = np.zeros_like(current)
    norm = 0.0
    for _ in range(min(LANCZOS_STEPS, current.size)):
        following = product(current)
        diagonal.append(_product(current, following))
        # In turn and in place: the vectors may fill much of the memory.
        previous *= norm
        following -= previous
        np.multiply(current, diagonal[-1], out=previous)
        following -= previous
        norm = _norm(following)
        if not np.isfinite(norm):
            raise ValueError("the operator gives numbers that are not finite")
        beside.append(norm)
        # What is left is rounding: the vectors span all states that the start is made of.
        if norm <= 1e-6 * max(np.abs(diagonal).max(), max(beside)):
            break
        following /= norm
        previous, current = current, following
    values, states = eigh_tridiagonal(diagonal, beside[:-1])
    residual = norm * np.abs(states[-1])
    low, high = values[0] - residual[0], values[-1] + residual[-1]
    # An operator that is a number times one has no width of its own.
    half = max((high - low) / 2, 1e-3 * max(abs(low), abs(high)), 1e-12)
    return EnergyWindow((low + high) / 2, half * (1 + 2 * MARGIN))


def _product(one: np.ndarray, other: np.ndarray) -> float:
    """Real part of the scalar product, whose parts are added in 64 bits."""
    one, other = one.reshape(-1), other.reshape(-1)
    parts = range(0, one.size, ELEMENTS_AT_ONCE)
    return sum(
        float(np.vdot(one[i : i + ELEMENTS_AT_ONCE], other[i : i + ELEMENTS_AT_ONCE]).real)
        for i in parts
    )


def _norm(one: np.ndarray) -> float:
    return float(np.sqrt(_product(one, one)))


def energy_points(
    energies: Sequence[float] | np.ndarray | None, window: EnergyWindow, width: float
) -> np.ndarray:
    """Energies of an axis: those given, or points between two ends.

    Parameters
    ----------
    energies
        The two ends, or more rising energies; by default the ends of the window.
    window
        That holds the spectrum.
    width
        Full width of the kernel at half maximum.

    Raises
    ------
    ValueError
        If they do not rise or lie outside of the spectrum, or the width is none.
    """
    inside = window.half_width * (1 - MARGIN / 10)
    ends = window.centre - inside, window.centre + inside
    given = np.asarray(ends if energies is None else energies, float)
    if given.ndim != 1 or len(given) < 2 or not (np.diff(given) > 0).all():
        raise ValueError("energies are two ends (low, high), or a list of energies that rise")
    window.scaled(given)
    if not (np.isfinite(width) and width > 0):
        raise ValueError(f"the resolution is a width above zero, not {width}")
    if len(given) > 2:
        return given
    return np.linspace(
        given[0], given[1], 1 + int(np.ceil(np.ptp(given) * POINTS_PER_WIDTH / width))
    )

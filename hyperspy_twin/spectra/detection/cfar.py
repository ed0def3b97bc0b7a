"""Detection of Bragg spots at a constant false-alarm rate, and their measurement."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hyperspy_twin.spectra.detection.candidates import (
    Candidates,
    detection_threshold,
    expected_maxima,
    find_candidates,
    resolution_cells,
)
from hyperspy_twin.spectra.fitting.peak_fit import fit_spots
from hyperspy_twin.spectra.transform import WindowedRegion

HIGHEST_MULTIPLE = 6


@dataclass(frozen=True)
class Spots:
    """Bragg spots of one spectrum, one of each Friedel pair, strongest first.

    Attributes
    ----------
    position
        (n, 2) reciprocal vectors (x, y) in 1/nm.
    error
        (n, 2) standard errors of ``position``.
    intensity
        (n,) squared amplitude of the lattice fringe, in squared image units.
    snr
        (n,) spot power over expected noise power.
    probability
        (n,) probability that noise alone would not have made any such spot.
    width
        (n,) standard deviation of the spot beyond the width that the region's window gives, in
        1/nm, alike in all directions: 0 for a perfect lattice across the region, more for small
        crystals, strain and bending. NaN where it was not measured.
    width_error
        (n,) standard error of ``width``.
    harmonic
        (n,) whether the spot is an integer multiple of another one.
    """

    position: np.ndarray
    error: np.ndarray
    intensity: np.ndarray
    snr: np.ndarray
    probability: np.ndarray
    width: np.ndarray = field(default_factory=lambda: np.zeros(0))
    width_error: np.ndarray = field(default_factory=lambda: np.zeros(0))
    harmonic: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    def __post_init__(self) -> None:
        """Fill the columns that a detector did not measure."""
        for name, missing in (("width", np.nan), ("width_error", np.nan), ("harmonic", False)):
            if len(getattr(self, name)) != len(self.snr):
                object.__setattr__(self, name, np.full(len(self.snr), missing))

    def __len__(self) -> int:
        return len(self.snr)


def detect(region: WindowedRegion, false_alarms: float, shortest_spacing: float = 0.0) -> Spots:
    """Find the Bragg spots of a windowed region.

    Noise power is exponentially distributed about its expectation [1]_. The threshold lets
    ``false_alarms`` maxima of the continuous spectrum of noise pass, counted as the expected
    number of maxima of a smooth chi-squared field [2]_. Positions, amplitudes and widths are
    those of :func:`hyperspy_twin.spectra.fitting.peak_fit.fit_spots`. What a stronger spot spreads around
    it, because its crystal ends inside the region, counts as noise.

    Parameters
    ----------
    region
        The windowed region with its spectrum.
    false_alarms
        Expected number of false spots in a spectrum of pure noise.
    shortest_spacing
        No lattice plane is sought below this spacing, in the unit of the grid.

    Returns
    -------
    Spots
        Sorted by falling intensity; empty where no spot passes.

    References
    ----------
    .. [1] S. M. Kay, Fundamentals of Statistical Signal Processing II, Prentice Hall (1998).
    .. [2] K. J. Worsley, Adv. Appl. Probab. 26 (1994) 13.
    """
    found = find_candidates(region, false_alarms, shortest_spacing)
    return measure_standing_out(region, found, found.excess, false_alarms, shortest_spacing)


def measure_standing_out(
    region: WindowedRegion,
    found: Candidates,
    height: np.ndarray,
    false_alarms: float,
    shortest_spacing: float,
) -> Spots:
    """Measure the candidates that stand out from the noise by some measure of their height.

    Parameters
    ----------
    region, false_alarms, shortest_spacing
        As for :func:`detect`.
    found
        The candidates.
    height
        Their height in units of the noise, shape (n,).

    Returns
    -------
    Spots
        Sorted by falling intensity; the probability is that noise makes no such maximum.
    """
    kept = height > detection_threshold(region, false_alarms, shortest_spacing)
    cells = resolution_cells(region, shortest_spacing)
    return measure(region, found[kept], np.exp(-expected_maxima(height[kept], cells)))


def measure(region: WindowedRegion, found: Candidates, probability: np.ndarray) -> Spots:
    """Fit spots to the pixels and put their table together.

    Parameters
    ----------
    region
        The windowed region.
    found
        The maxima that are spots. Two spots may be found in one maximum.
    probability
        (n,) probability of each.
    """
    if not len(found):
        return no_spots()
    fitted = fit_spots(region, found.maxima, found.noise)
    scale = np.asarray(region.grid.scale)
    position = np.where(fitted.frequency[:, :1] < 0, -fitted.frequency, fitted.frequency) / scale
    error = fitted.error / scale
    intensity = 4 * np.abs(fitted.amplitude) ** 2
    order = np.argsort(intensity)[::-1]
    return Spots(
        position[order],
        error[order],
        intensity[order],
        fitted.snr[order],
        probability[fitted.origin[order]],
        fitted.width[order],
        fitted.width_error[order],
        _harmonics(position, error, 1 / np.asarray(region.grid.extent))[order],
    )


def no_spots() -> Spots:
    """Empty table."""
    none = np.zeros(0)
    return Spots(np.zeros((0, 2)), np.zeros((0, 2)), none, none, none)


def _harmonics(position: np.ndarray, error: np.ndarray, bin_size: np.ndarray) -> np.ndarray:
    """Whether each vector is an integer multiple of another, within errors and a tenth of a bin."""
    marked = np.zeros(len(position), bool)
    for multiple in range(2, HIGHEST_MULTIPLE + 1):
        for sign in (1, -1):
            gap = position[:, None] - sign * multiple * position[None, :]
            spread = 9 * (error[:, None] ** 2 + (multiple * error[None, :]) ** 2)
            distance = gap**2 / (spread + (multiple * 0.1 * bin_size) ** 2)
            marked |= (distance.sum(axis=2) < 1).any(axis=1)
    return marked

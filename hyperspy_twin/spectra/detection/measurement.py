"""From candidates to the measured peaks of a region."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import Peaks
from hyperspy_twin.spectra.detection.candidates import Candidates
from hyperspy_twin.spectra.fitting import fit_peaks
from hyperspy_twin.spectra.transform import WindowedRegion

# Highest order of a harmonic that is looked for.
HIGHEST_MULTIPLE = 6
# A harmonic may be this many bins off, times its order, whatever the errors.
HARMONIC_TOLERANCE = 0.1


def measure_peaks(region: WindowedRegion, found: Candidates, probability: np.ndarray) -> Peaks:
    """Fit peaks to the pixels and put their table together.

    Parameters
    ----------
    region
        The windowed region.
    found
        The maxima that are peaks. Two peaks may be found in one maximum.
    probability
        (n,) probability of each.
    """
    if not len(found):
        return Peaks.none()
    fitted = fit_peaks(region, found.maxima, found.noise)
    scale = np.asarray(region.grid.scale)
    position = np.where(fitted.frequency[:, :1] < 0, -fitted.frequency, fitted.frequency) / scale
    error = fitted.error / scale
    intensity = 4 * np.abs(fitted.amplitude) ** 2
    order = np.argsort(intensity)[::-1]
    return Peaks(
        position[order],
        error[order],
        intensity[order],
        fitted.snr[order],
        probability[fitted.origin[order]],
        fitted.width[order],
        fitted.width_error[order],
        _harmonics(position, error, 1 / np.asarray(region.grid.extent))[order],
    )


def _harmonics(position: np.ndarray, error: np.ndarray, bin_size: np.ndarray) -> np.ndarray:
    """Whether each vector is an integer multiple of another one, within three errors."""
    marked = np.zeros(len(position), bool)
    for multiple in range(2, HIGHEST_MULTIPLE + 1):
        for sign in (1, -1):
            gap = position[:, None] - sign * multiple * position[None, :]
            spread = 9 * (error[:, None] ** 2 + (multiple * error[None, :]) ** 2)
            distance = gap**2 / (spread + (multiple * HARMONIC_TOLERANCE * bin_size) ** 2)
            marked |= (distance.sum(axis=2) < 1).any(axis=1)
    return marked

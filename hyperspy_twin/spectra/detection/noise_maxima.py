"""Probability that single peaks are none of the maxima that noise has."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import Peaks
from hyperspy_twin.spectra.detection.candidates import expected_maxima, resolution_cells
from hyperspy_twin.spectra.ring_sums import CROSS
from hyperspy_twin.spectra.rings import LARGEST_REACH, RadialProfile
from hyperspy_twin.spectra.transform import WindowedRegion

# Expected number of false peaks at which a peak is as likely noise as not. This and the next
# are set on the tuning half of benchmarks/spots.py.
EXPECTED = 0.003
# Exponent that takes off from the exponential law, since noise is not quite Gaussian.
TRUST = 0.7


def judge_by_power(
    peaks: Peaks, region: WindowedRegion, profile: RadialProfile, false: np.ndarray | float = 0.0
) -> np.ndarray:
    """Judge peaks by how often noise has a maximum as high anywhere.

    Where rings are elliptical, or rows of a scan differ in brightness, the noise of a detector
    that averages over circles is too low beside their maxima: peaks are measured again over the
    ellipses, and over the rows and columns next to zero frequency.

    Parameters
    ----------
    peaks
        Peaks of the region.
    region
        The windowed region with its spectrum.
    profile
        Its radial profile.
    false
        Expected number of false peaks as high as each one where a detector knows it, shape (n,);
        it is never taken to be less.

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    power = peaks.intensity * (0.5 * float(region.window.sum(dtype=float))) ** 2
    noise = np.maximum(_noise_of_lines(peaks.position, region), _noise_of_rings(peaks, profile))
    snr = np.minimum(peaks.snr, np.divide(power, noise, where=noise > 0, out=peaks.snr.copy()))
    expected = np.maximum(expected_maxima(snr, resolution_cells(region, 0.0)), false)
    return 1 / (1 + (expected / EXPECTED) ** TRUST)


def _noise_of_rings(peaks: Peaks, profile: RadialProfile) -> np.ndarray:
    """Noise of the elliptical rings around peaks, shape (n,); 0 where rings are circles."""
    if not any(profile.ellipse) or not len(profile.radius):
        return np.zeros(len(peaks.snr))
    radius = profile.elliptical(peaks.position)
    step = float(np.mean(np.diff(profile.radius)))
    near = [np.interp(radius + k * step, profile.radius, profile.noise) for k in (-1, 0, 1)]
    return np.max(near, axis=0)


def _noise_of_lines(position: np.ndarray, region: WindowedRegion) -> np.ndarray:
    """Noise of the row or column of peaks next to zero frequency, shape (n,); 0 for others."""
    bins = np.rint(position * region.grid.extent).astype(int)
    result = np.zeros(len(position))
    around = np.arange(-int(LARGEST_REACH), int(LARGEST_REACH) + 1)
    rows, columns = region.power.shape
    for n, (x, y) in enumerate(bins):
        if abs(x) <= CROSS:
            result[n] = np.median(region.power[(np.sign(x) * y + around) % rows, abs(x)])
        elif abs(y) <= CROSS:
            along = np.clip(abs(x) + around, 0, columns - 1)
            result[n] = np.median(region.power[(np.sign(x) * y) % rows, along])
    return result / np.log(2)  # the median of exponential noise is its mean times this

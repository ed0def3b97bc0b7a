"""Probability that single spots are none of the maxima that noise has."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.spectra.detection.candidates import expected_maxima, resolution_cells
from hyperspy_twin.spectra.detection.cfar import Spots
from hyperspy_twin.spectra.ring_sums import CROSS
from hyperspy_twin.spectra.rings import LARGEST_REACH, RadialProfile
from hyperspy_twin.spectra.transform import WindowedRegion

# Expected number of false spots at which a spot is as likely noise as not, and the exponent that
# takes off from the exponential law, since noise is not quite Gaussian.
EXPECTED, TRUST = 0.003, 0.7


def reality_by_power(
    spots: Spots, region: WindowedRegion, profile: RadialProfile, false: np.ndarray | float = 0.0
) -> np.ndarray:
    """Judge spots by how often noise has a maximum as high anywhere.

    Where rings are elliptical, or rows of a scan differ in brightness, the noise of a detector
    that averages over circles is too low beside their maxima: spots are measured again over the
    ellipses, and over the rows and columns next to zero frequency.

    Parameters
    ----------
    spots
        Spots of the region.
    region
        The windowed region with its spectrum.
    profile
        Its radial profile.
    false
        Expected number of false spots as high as each one where a detector knows it, shape (n,);
        it is never taken to be less.

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    power = spots.intensity * (0.5 * float(region.window.sum(dtype=float))) ** 2
    noise = np.maximum(_noise_of_lines(spots.position, region), _noise_of_rings(spots, profile))
    snr = np.minimum(spots.snr, np.divide(power, noise, where=noise > 0, out=spots.snr.copy()))
    expected = np.maximum(expected_maxima(snr, resolution_cells(region, 0.0)), false)
    return 1 / (1 + (expected / EXPECTED) ** TRUST)


def _noise_of_rings(spots: Spots, profile: RadialProfile) -> np.ndarray:
    """Noise of the elliptical rings around spots, shape (n,); 0 where rings are circles."""
    if not any(profile.ellipse) or not len(profile.radius):
        return np.zeros(len(spots.snr))
    radius = profile.elliptical(spots.position)
    step = float(np.mean(np.diff(profile.radius)))
    near = [np.interp(radius + k * step, profile.radius, profile.noise) for k in (-1, 0, 1)]
    return np.max(near, axis=0)


def _noise_of_lines(position: np.ndarray, region: WindowedRegion) -> np.ndarray:
    """Noise of the row or column of spots next to zero frequency, shape (n,); 0 for others."""
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

"""Height of maxima over the profiles of the rows and columns of a spectrum."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.spectra.background import MEDIAN_OF_EXPONENTIAL
from hyperspy_twin.spectra.transform import WindowedRegion

# Frequencies along a line over which its baseline is taken: enough for a median that a few peaks do
# not move, few enough to follow the fall of the noise.
STRETCH = 48


def measure_profile_snr(region: WindowedRegion) -> np.ndarray:
    """Height of each frequency over the baselines of its row and its column.

    Each row and each column of the power spectrum is read as a profile with a baseline of its
    own, the median over a stretch of it. A cross through the origin, a scan streak or the streak
    of a sharp outline lifts the baseline of the lines that it runs along and vanishes; a peak
    stands out of both of its lines. A frequency that is no maximum of both profiles is zero.

    Returns
    -------
    numpy.ndarray
        Power over the expected noise power, float32, shape of ``region.power``.

    Notes
    -----
    After the row-by-row and column-by-column scan of Botifoll et al. [1]_, with a noise level for
    each line instead of a fitted height and prominence.

    References
    ----------
    .. [1] M. Botifoll et al., Adv. Mater. (2025), doi:10.1002/adma.202506785.
    """
    power = region.power
    # The last row of the half plane follows on the first; its columns end at zero and Nyquist.
    highest = (power >= np.roll(power, 1, axis=0)) & (power >= np.roll(power, -1, axis=0))
    highest[:, 1:] &= power[:, 1:] >= power[:, :-1]
    highest[:, :-1] &= power[:, :-1] >= power[:, 1:]
    baseline = np.maximum(_baseline(power), _baseline(power.T).T)
    tiny = np.finfo(np.float32).tiny
    return np.where(highest, power / np.maximum(baseline, tiny), np.float32(0))


def _baseline(power: np.ndarray) -> np.ndarray:
    """Interpolate the noise power along each row, linear between the medians of its stretches."""
    rows, columns = power.shape
    count = max(round(columns / STRETCH), 1)
    edges = np.linspace(0, columns, count + 1).astype(int)
    stretches = np.split(power, edges[1:-1], axis=1)
    medians = np.stack([np.median(stretch, axis=1) for stretch in stretches], axis=1)
    medians /= np.float32(MEDIAN_OF_EXPONENTIAL)
    middle = (edges[:-1] + edges[1:] - 1) / 2
    position = np.interp(np.arange(columns), middle, np.arange(count))
    left = np.minimum(position.astype(int), max(count - 2, 0))
    fraction = (position - left).astype(np.float32)
    right = np.minimum(left + 1, count - 1)
    return medians[:, left] * (1 - fraction) + medians[:, right] * fraction

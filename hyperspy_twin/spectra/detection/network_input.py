"""What the peak network sees of a spectrum, and at which frequencies.

The weights belong to this very preparation: whoever changes it trains the network again.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.spectra.background import PASSES, PEAK, measure_rings, spread_rings
from hyperspy_twin.spectra.detection.candidates import FEWEST_PERIODS, SHORTEST_PERIOD, WEAKEST_PEAK
from hyperspy_twin.spectra.transform import WindowedRegion

# Images that the network sees, as of `half_plane_channels`.
CHANNELS = 4
# Bins around the band of lattices: peaks on its edge are seen whole.
MARGIN = 16
# The network halves its input four times.
BLOCK = 16
# Bins over which the network can tell the distance from the centre.
CENTRE = 32.0


def prepare_channels(region: WindowedRegion) -> np.ndarray:
    """Prepare what the network sees, on the half plane.

    Parameters
    ----------
    region
        The windowed region with its spectrum.

    Returns
    -------
    numpy.ndarray
        float32, shape (4, rows, columns // 2 + 1): logarithm of the power over the radial
        background, whether a frequency is a local maximum, its distance from the centre, and the
        width of a peak (as the logarithm of the window's noise bandwidth in bins).
    """
    height, width = region.grid.shape
    power = region.power
    background = estimate_ring_background(power, width)
    # Without noise the background is nothing but the rounding of single precision.
    floor = np.float32(WEAKEST_PEAK) * power[in_band(height, width)].max(initial=0.0)
    ratio = power / np.maximum(background, max(floor, np.finfo(np.float32).tiny))
    channels = np.empty((CHANNELS, *power.shape), np.float32)
    channels[0] = 0.25 * np.log1p(ratio)
    channels[1] = find_summits(power)
    channels[2] = np.minimum(radius_in_bins(height, width) / CENTRE, 1)
    channels[3] = 0.25 * np.log2(measure_bandwidth(region.window))
    return channels


def estimate_ring_background(power: np.ndarray, width: int) -> np.ndarray:
    """Mean noise power in rings one bin wide, from the mean logarithm of what does not stand out.

    float32, shape of the half-plane ``power``, linear between the middles of the rings.
    """
    height = len(power)
    row = (np.fft.fftfreq(height) * min(height, width)).astype(np.float32)
    column = (np.fft.rfftfreq(width) * min(height, width)).astype(np.float32)
    circle = np.array([1, 1, 0], np.float32)
    logarithm = np.log(np.maximum(power, np.finfo(np.float32).tiny))
    profile = np.full(int(np.hypot(np.abs(row).max(), column.max())) + 2, np.inf, np.float32)
    for _ in range(PASSES):
        highest = profile + np.float32(np.log(PEAK))
        profile = measure_rings(logarithm, row, column, circle, highest)[1].astype(np.float32)
        profile += np.float32(np.euler_gamma)  # the mean logarithm of exponential noise
    return spread_rings(np.exp(profile), row, column, circle)


def measure_bandwidth(window: np.ndarray) -> float:
    """Count the bins that a window spreads a peak over."""
    total = float(window.sum(dtype=float))
    return window.size * float((window.astype(float) ** 2).sum()) / max(total**2, 1e-30)


def radius_in_bins(height: int, width: int) -> np.ndarray:
    """Distance of every frequency of the half plane from zero, in bins."""
    row = np.fft.fftfreq(height, 1 / height)[:, None]
    return np.hypot(row, np.arange(width // 2 + 1)).astype(np.float32)


def in_band(height: int, width: int) -> np.ndarray:
    """Frequencies of the half plane where lattices are sought, one of each Friedel pair."""
    row = np.fft.fftfreq(height)[:, None]
    inside = (np.abs(row) < 1 / SHORTEST_PERIOD) & (np.fft.rfftfreq(width) < 1 / SHORTEST_PERIOD)
    inside &= radius_in_bins(height, width) >= FEWEST_PERIODS
    inside[height // 2 + 1 :, 0] = False  # this column holds both members of each pair
    return inside


def find_summits(power: np.ndarray) -> np.ndarray:
    """Local maxima of a half-plane power spectrum (rows, columns // 2 + 1), boolean."""
    # Left of the column of zero frequency lies the second column, turned over.
    beyond = np.roll(power[::-1, 1:2], 1, axis=0)
    highest = ndimage.maximum_filter(np.concatenate([beyond, power], axis=1), 3, mode="wrap")
    return highest[:, 1:] == power


def find_eligible(power: np.ndarray, height: int, width: int) -> np.ndarray:
    """Local maxima that could be peaks: in the band, and above rounding errors."""
    summits = find_summits(power) & in_band(height, width)
    return summits & (power > WEAKEST_PEAK * power[summits].max(initial=0.0))


def patch_indices(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns (both may be negative) of the patch that the network is given."""
    rows = np.arange(-int(height / SHORTEST_PERIOD) - MARGIN, int(height / SHORTEST_PERIOD) + 1)
    columns = np.arange(-MARGIN, int(width / SHORTEST_PERIOD) + 1)
    return _extended(rows), _extended(columns)


def _extended(indices: np.ndarray) -> np.ndarray:
    """Continue indices by the margin, and on to a multiple of the block."""
    size = -(-(len(indices) + MARGIN) // BLOCK) * BLOCK
    return indices[0] + np.arange(size)

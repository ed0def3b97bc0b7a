"""Power that peaks spread around them when their crystals end inside the window."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.spectra.background import on_half_plane
from hyperspy_twin.spectra.fitting import Maxima, fit_weight
from hyperspy_twin.spectra.transform import WindowedRegion

# Distance from a peak, in inverse widths of the region, from which its tail is read, and below
# which it does not rise any more. This and the constants below without another reason are set on
# the tuning half of benchmarks/spots.py.
INNER = 3.0
# Distance up to which it is read.
OUTER = 8.0
# Distance up to which it reaches.
REACH = 60.0
# Frequencies at which it is read, at most ...
SAMPLES = 400
# ... and at least, for a quantile of them to mean something.
FEWEST = 20
# Other peaks in between are left out with their lobes: maxima that are more than this fraction of
# the peak's power over the squared distance. A straight boundary through the middle makes
# 1 / pi**2.
OWN = 1.0
# Width of the lobes that are left out, in inverse widths of the region.
LOBE = 2.0
# Distance within which another maximum is a lobe of the peak itself.
INNER_LOBE = 1.0
# Fraction of the frequencies that are weaker than the tail that is read: a straight boundary makes
# one narrow streak. Without a tail, noise gives -ln(1 - fraction) times its mean.
WEAKER = 0.95
# Multiple of the noise from which a tail is more than chance.
CLEAR = 2.0
# Factor on the tail so read, to be added to the noise.
WEIGHT = 1.5


def estimate_tails(
    region: WindowedRegion,
    rows: np.ndarray,
    columns: np.ndarray,
    maxima: Maxima,
    noise: np.ndarray,
) -> np.ndarray:
    """Estimate the power at maxima that the tails of stronger ones explain.

    The transform of a crystal that ends at a sharp boundary falls off with the square of the
    distance from its peak in power [1]_, along streaks or all around. So the level of each tail
    is read next to its peak and continued outwards.

    Parameters
    ----------
    region
        The windowed region.
    rows, columns
        Frequencies next to the maxima, each shape (n,).
    maxima
        The maxima.
    noise
        (n,) expected noise power.

    Returns
    -------
    numpy.ndarray
        Shape (n,); 0 where there is no stronger peak with a tail near.

    References
    ----------
    .. [1] J. M. Cowley, Diffraction Physics, 3rd ed., Elsevier (1995), shape transforms.
    """
    height, width = region.grid.shape
    extent = 12 * fit_weight(region.window).extent  # squared width of a uniform strip
    ring = _ring(extent, height, width)
    column, row = np.rint(ring * (width, height)).astype(int).T
    frequencies = on_half_plane(rows[:, None] + row, columns[:, None] + column, height, width)
    squared = _squared(ring, extent)
    scaled = region.power[frequencies] * squared

    both = np.stack([maxima.frequency, -maxima.frequency])
    apart = both[:, None] - maxima.frequency[:, None]  # of maximum k from j: [sign, j, k]
    distance = _squared(apart, extent)
    other = distance > INNER_LOBE**2
    strength = distance * maxima.power / maxima.power[:, None]
    neighbour = other & (strength > OWN) & (distance < (OUTER + LOBE) ** 2)
    for j in np.flatnonzero(neighbour.any(axis=(0, 2))):
        near = apart[:, j][neighbour[:, j]]
        hidden = (_squared(ring[:, None] - near, extent) < LOBE**2).any(axis=1)
        scaled[j, hidden] = np.nan
    level = np.full(len(rows), 0.0)
    seen = np.isfinite(scaled).sum(axis=1) > FEWEST
    level[seen] = np.nanquantile(scaled[seen], WEAKER, axis=1) / -np.log1p(-WEAKER)
    quiet = noise * squared.mean()
    level = np.where(level > CLEAR * quiet, level - quiet, 0.0)

    nearest = distance.min(axis=0)
    stronger = (maxima.power > maxima.power[:, None]) & (nearest < REACH**2)
    reached = np.where(stronger, level / np.maximum(nearest, INNER**2), 0.0)
    return WEIGHT * reached.max(axis=1, initial=0.0)


def _squared(step: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Squared lengths of frequency differences (..., 2), in inverse widths of the region."""
    return np.einsum("...x,xy,...y->...", step, extent, step)


def _ring(extent: np.ndarray, height: int, width: int) -> np.ndarray:
    """Offsets (x, y) of whole frequencies around a peak, in cycles per pixel, shape (n, 2)."""
    reach = OUTER / np.sqrt(np.diag(extent)) * (width, height)
    across, down = (np.arange(-n, n + 1) for n in np.ceil(reach).astype(int))
    row, column = (grid.ravel() for grid in np.meshgrid(down, across, indexing="ij"))
    step = np.stack([column / width, row / height], axis=1)
    squared = _squared(step, extent)
    inside = np.flatnonzero((squared >= INNER**2) & (squared <= OUTER**2))
    return step[inside[:: max(len(inside) // SAMPLES, 1)]]

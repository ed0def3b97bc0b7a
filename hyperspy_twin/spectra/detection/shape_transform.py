"""Power that spots spread around them when their crystals end inside the window."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.spectra.background import on_half_plane
from hyperspy_twin.spectra.fitting.peak_fit import Maxima
from hyperspy_twin.spectra.fitting.wave_fit import fit_weight
from hyperspy_twin.spectra.transform import WindowedRegion

# Distances from a spot, in inverse widths of the region, between which its skirt is read, below
# which it does not rise any more, and up to which it reaches.
INNER, OUTER, REACH = 3.0, 8.0, 60.0
SAMPLES, FEWEST = 400, 20
# Other spots in between are left out with their lobes: maxima that are more than this share of the
# spot's power over the squared distance. A straight boundary through the middle makes 1 / pi**2.
OWN, LOBE, INNER_LOBE = 1.0, 2.0, 1.0
# The share of frequencies that are weaker than the skirt that is read: a straight boundary makes
# one narrow streak. Without a skirt, noise gives -ln(1 - share) times its mean.
SHARE = 0.95
CLEAR = 2.0  # times the noise from which a skirt is more than chance
# Of the skirt so read, to be added to the noise; from the tuning set of benchmarks/spots.py.
WEIGHT = 1.5


def skirt_power(
    region: WindowedRegion,
    power: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    maxima: Maxima,
    noise: np.ndarray,
) -> np.ndarray:
    """Power at maxima that the skirts of stronger ones explain.

    The transform of a crystal that ends at a sharp boundary falls off with the square of the
    distance from its spot in power [1]_, along streaks or all around. So the level of each skirt
    is read next to its spot and continued outwards.

    Parameters
    ----------
    region
        The windowed region.
    power
        Its half-plane power spectrum.
    rows, columns
        Frequencies next to the maxima, each shape (n,).
    maxima
        The maxima.
    noise
        (n,) expected noise power.

    Returns
    -------
    numpy.ndarray
        Shape (n,); 0 where there is no stronger spot with a skirt near.

    References
    ----------
    .. [1] J. M. Cowley, Diffraction Physics, 3rd ed., Elsevier (1995), shape transforms.
    """
    height, width = region.grid.shape
    extent = 12 * fit_weight(region.window).extent  # squared width of a uniform strip
    ring = _ring(extent, height, width)
    row, column = (np.rint(ring[:, axis] * size).astype(int) for axis, size in
                   ((1, height), (0, width)))  # fmt: skip
    place = on_half_plane(rows[:, None] + row, columns[:, None] + column, height, width)
    squared = _squared(ring, extent)
    scaled = power[place] * squared

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
    level[seen] = np.nanquantile(scaled[seen], SHARE, axis=1) / -np.log1p(-SHARE)
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
    """Offsets (x, y) of whole frequencies around a spot, in cycles per pixel, shape (n, 2)."""
    reach = OUTER / np.sqrt(np.diag(extent)) * (width, height)
    across, down = (np.arange(-n, n + 1) for n in np.ceil(reach).astype(int))
    row, column = (grid.ravel() for grid in np.meshgrid(down, across, indexing="ij"))
    step = np.stack([column / width, row / height], axis=1)
    squared = _squared(step, extent)
    inside = np.flatnonzero((squared >= INNER**2) & (squared <= OUTER**2))
    return step[inside[:: max(len(inside) // SAMPLES, 1)]]

"""Borders between lattices and textures, where the local amplitudes cross."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.segmentation.labels import depth_inside, grow_box
from hyperspy_twin.segmentation.resampling import nearest_pixels

# Least spread of a feature inside regions, as a fraction of its range.
_MIN_SPREAD = 0.05
# Depth of a core, as a fraction of the largest one in its region, that makes it a core in any case.
_CORE = 0.6
# Squared distance of a region that is out of reach, in squared spreads: larger than any other.
_FAR = np.float32(1e9)


def place_texture_borders(
    regions: np.ndarray,
    features: list[np.ndarray],
    reach: float,
    rows: np.ndarray,
    columns: np.ndarray,
) -> np.ndarray:
    """Carry regions 0..n-1 of a coarse grid to a finer one, shape (r, c), and place their borders.

    A Gaussian window across a border sees a mixture of both sides, half of each on the border
    itself. Each pixel near a border goes to the region whose mean features are nearest, in units
    of their spread inside regions; on the border the distances to both sides are equal. Borders may
    lie ``reach`` coarse pixels from their true position; ``rows`` and ``columns``, shapes (r,) and
    (c,), are the positions of the fine pixels in coarse ones.
    """
    depth = depth_inside(regions)
    count = int(regions.max()) + 1
    deepest = ndimage.maximum(depth, regions, np.arange(count))
    core = depth >= np.minimum(reach, _CORE * deepest)[regions]
    statistics = [_measure_spread(feature, regions, core, count) for feature in features]
    nearest = nearest_pixels([rows, columns], regions.shape)
    placed = regions[nearest].astype(np.int32)
    open_rows, open_columns = np.nonzero(~core[nearest])
    positions = np.array([rows[open_rows], columns[open_columns]], np.float32)
    nearest_yet = np.full(open_rows.size, _FAR, np.float32)
    chosen = placed[open_rows, open_columns]
    margin = int(np.ceil(reach)) + 1
    for region, box in enumerate(ndimage.find_objects(regions + 1)):
        part = grow_box(box, margin, regions.shape)
        low, high = np.array([(side.start, side.stop) for side in part]).T[..., None]
        within = ndimage.distance_transform_edt(regions[part] != region) <= reach
        value = np.where(within, np.float32(0), 2 * _FAR)
        for feature, (spread, means) in zip(features, statistics, strict=True):
            value += ((feature[part] - means[region]) / spread) ** 2
        here = np.flatnonzero(np.all((positions > low - 1) & (positions < high), axis=0))
        squared = ndimage.map_coordinates(value, positions[:, here] - low, order=1, mode="nearest")
        better = squared < nearest_yet[here]
        nearest_yet[here[better]] = squared[better]
        chosen[here[better]] = region
    placed[open_rows, open_columns] = chosen
    return placed


def _measure_spread(
    feature: np.ndarray, regions: np.ndarray, core: np.ndarray, count: int
) -> tuple[np.float32, np.ndarray]:
    """Spread of a feature inside regions, and its mean in each."""
    label, values = regions[core], feature[core].astype(float)
    means = np.bincount(label, values, count) / np.bincount(label, minlength=count)
    spread = np.sqrt(np.mean((values - means[label]) ** 2))
    spread = max(spread, _MIN_SPREAD * np.ptp(feature), np.finfo(np.float32).tiny)
    return np.float32(spread), means.astype(np.float32)

"""Overlapping masks made a partition: every pixel in one region, every border real."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import label as connected_parts

from hyperspy_twin.segmentation.placement import depth_inside

# Distances over which a step is measured, in smoothing lengths; its least size in units of the
# variation inside, and what it needs on top where a region is as small as allowed, because its
# place was chosen where the noise is high; the variation that is always granted, in brightness
# ranges of the image; and how far from a border brightness may come from beyond it, in smoothing
# lengths.
_LAGS = (2, 4, 8)
_LEAST_CONTRAST = 1.0
_SMALL_CONTRAST = 2.6
_LEAST_STEP = 0.01
_FLANK = 2.0
# Share of the pairs across a border that an axis must have to count.
_LEAST_SHARE = 0.25


def distinct_masks(masks: np.ndarray, scores: np.ndarray, overlap: float) -> np.ndarray:
    """Choose among masks that show the same thing the one with the best score.

    Parameters
    ----------
    masks : numpy.ndarray
        Boolean masks, shape (n, rows, columns).
    scores : numpy.ndarray
        One score for each, shape (n,).
    overlap : float
        Intersection over union from which two masks are the same, 0 to 1.

    Returns
    -------
    numpy.ndarray
        Indices of the chosen masks, best score first; of equal scores the first mask wins.
    """
    flat = masks.reshape(len(masks), int(np.prod(masks.shape[1:]))).astype(np.float32)
    common = flat @ flat.T
    area = np.diag(common)
    same = common > overlap * (area[:, None] + area - common)
    chosen: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if area[index] and not same[index, chosen].any():
            chosen.append(int(index))
    return np.array(chosen, np.intp)


def stack_masks(masks: np.ndarray) -> np.ndarray:
    """Lay masks on each other, the largest at the bottom.

    A mask inside another becomes an inner region, and of two that overlap the smaller one keeps
    the common part. Of equal areas the first one lies on top.

    Parameters
    ----------
    masks : numpy.ndarray
        Boolean masks, shape (n, rows, columns).

    Returns
    -------
    numpy.ndarray
        Number (1..n) of the mask on top of each pixel, 0 where there is none; int32, shape
        (rows, columns).
    """
    stacked = np.zeros(masks.shape[1:], np.int32)
    area = np.count_nonzero(masks, axis=(1, 2))
    for index in np.argsort(-area[::-1], kind="stable"):
        number = len(masks) - int(index)
        stacked[masks[number - 1]] = number
    return stacked


def separate_cores(pieces: np.ndarray, depth: float, least_area: float) -> np.ndarray:
    """Divide pieces into connected parts, without the slivers where two masks do not quite meet.

    Pieces are cut where they are thinner than twice the depth. What is thinner, and cores below a
    quarter of the least area, go to the nearest core that stays.

    Parameters
    ----------
    pieces : numpy.ndarray
        Labels from 0, shape (rows, columns).
    depth : float
        Distance from the border in pixels.
    least_area : float
        Smallest region in pixels.

    Returns
    -------
    numpy.ndarray
        Parts 0..n-1, int32; one part where no piece has a core.
    """
    core = depth_inside(pieces) > depth
    cores = connected_parts(np.where(core, pieces + 1, 0), background=0, connectivity=1)
    area = np.bincount(cores.ravel())
    area[0] = 0
    core = area[cores] >= max(least_area / 4, 1)
    if not core.any():
        return np.zeros(pieces.shape, np.int32)
    row, column = ndimage.distance_transform_edt(~core, return_distances=False, return_indices=True)
    return _consecutive(cores[row, column])


def join_unsupported(
    parts: np.ndarray,
    working: np.ndarray,
    smoothing: float,
    least_area: float,
    least_depth: float,
) -> np.ndarray:
    """Regions whose borders the image supports.

    The mean step across a border, between pixels two to eight smoothing lengths apart, is measured
    in units of what the brightness varies at the same distance inside the two parts (their
    variogram), so that noise, texture and shading raise the bar by themselves and a blurred border
    counts in full. The geometric mean of the two parts counts. Parts with a smaller step, a small
    or a thin part join the neighbour with the weakest border, the weakest of all first.

    Parameters
    ----------
    parts : numpy.ndarray
        Parts 0..n-1, shape (rows, columns).
    working : numpy.ndarray
        The smoothed image, same shape.
    smoothing : float
        Its smoothing length in pixels.
    least_area : float
        Smallest region in pixels.
    least_depth : float
        Distance from the border in pixels that a part must reach; less is the flank of an edge.

    Returns
    -------
    numpy.ndarray
        Regions 0..r-1, int32.

    References
    ----------
    Matheron, Econ. Geol. 58 (1963) 1246 (variogram).
    """
    low, high = np.quantile(working, [0.01, 0.99])
    floor = max(_LEAST_STEP * float(high - low), float(np.finfo(np.float32).tiny))
    area = np.bincount(parts.ravel()).astype(float)
    depth = depth_inside(parts)
    deepest = ndimage.maximum(depth, parts, np.arange(area.size))
    # The flank of an edge is no variation inside.
    steady = depth > np.minimum(_FLANK * smoothing, deepest / 2)[parts]
    lags = [max(round(m * smoothing), 1) for m in _LAGS]
    pairs = _Pairs.measure(parts, working, steady, lags)
    region = np.arange(area.size)
    while True:
        contrast = pairs.contrast(floor)
        small = (area < least_area) | (deepest < least_depth)
        needed = _LEAST_CONTRAST + _SMALL_CONTRAST * np.sqrt(
            least_area / np.minimum(area[:, None], area)
        )
        open_ = (contrast < needed) | small[:, None] | small
        contrast[~open_] = np.inf
        first, second = divmod(int(np.argmin(contrast)), len(contrast))
        if not np.isfinite(contrast[first, second]):
            return _consecutive(region[parts])
        pairs.join(first, second)
        area[first] += area[second]
        area[second] = np.inf
        deepest[first] = max(deepest[first], deepest[second])
        deepest[second] = np.inf
        region[region == second] = first


@dataclass
class _Pairs:
    """Pairs of pixels along each axis at d distances, summed over the parts on their two sides.

    Attributes
    ----------
    count, step, size : numpy.ndarray
        Number, sum of the differences (antisymmetric) and of their sizes, shape (d, 2, n, n).
    touch : numpy.ndarray
        Whether two parts are neighbours, shape (n, n).
    """

    count: np.ndarray
    step: np.ndarray
    size: np.ndarray
    touch: np.ndarray

    @classmethod
    def measure(
        cls, parts: np.ndarray, working: np.ndarray, steady: np.ndarray, lags: list[int]
    ) -> _Pairs:
        """Sum over all rows and columns; pairs inside one part count where both are steady."""
        n = int(parts.max()) + 1
        sums = np.zeros((3, 1 + len(lags), 2, n * n))
        for place, lag in enumerate([1, *lags]):
            for axis in range(2):
                labels, values, calm = (np.moveaxis(a, axis, 0) for a in (parts, working, steady))
                first, second = labels[:-lag].astype(np.intp), labels[lag:]
                kept = (first != second) | (calm[:-lag] & calm[lag:])
                pair = (first * n + second)[kept]
                difference = (values[lag:] - values[:-lag])[kept].astype(float)
                for total, weight in zip(sums, (None, difference, np.abs(difference)), strict=True):
                    total[place, axis] = np.bincount(pair, weight, n * n)
        count, step, size = sums.reshape(3, 1 + len(lags), 2, n, n)
        touch = count[0].sum(axis=0)
        touch = touch + touch.T > 0
        np.fill_diagonal(touch, False)
        count, size = (total + total.swapaxes(2, 3) for total in (count, size))
        return cls(count[1:], (step - step.swapaxes(2, 3))[1:], size[1:], touch)

    def contrast(self, floor: float) -> np.ndarray:
        """Step over the variation inside, largest of all pairs; infinite where none touch."""
        inside = np.diagonal(self.size, axis1=2, axis2=3) / np.maximum(
            np.diagonal(self.count, axis1=2, axis2=3), 1
        )
        inside = np.maximum(inside, floor)
        variation = np.sqrt(inside[..., :, None] * inside[..., None, :])
        ratio = np.abs(self.step) / np.maximum(self.count, 1) / variation
        # A border that runs along an axis has few pairs across it in that direction.
        few = self.count < _LEAST_SHARE * self.count.sum(axis=1, keepdims=True)
        return np.where(self.touch, np.where(few, 0, ratio).max(axis=(0, 1)), np.inf)

    def join(self, first: int, second: int) -> None:
        """Add the second part to the first."""
        for total in (self.count, self.step, self.size):
            total[..., first, :] += total[..., second, :]
            total[..., :, first] += total[..., :, second]
            total[..., second, :] = 0
            total[..., :, second] = 0
        self.touch[first] |= self.touch[second]
        self.touch[:, first] |= self.touch[:, second]
        self.touch[second] = self.touch[:, second] = False
        self.touch[first, first] = False


def order_regions(regions: np.ndarray) -> np.ndarray:
    """Labels 1..n, int32, by the centroid's row, then column.

    Parameters
    ----------
    regions : numpy.ndarray
        Labels from 0, shape (rows, columns).
    """
    rows, columns = regions.shape
    compact = _consecutive(regions)
    flat = compact.ravel()
    area = np.bincount(flat)
    row = np.bincount(flat, np.repeat(np.arange(rows), columns)) / area
    column = np.bincount(flat, np.tile(np.arange(columns), rows)) / area
    rank = np.empty(area.size, np.int32)
    rank[np.lexsort((column, row))] = np.arange(1, area.size + 1)
    return rank[compact]


def _consecutive(labels: np.ndarray) -> np.ndarray:
    """Labels 0..n-1 in the order of the given ones."""
    present = np.bincount(labels.ravel()) > 0
    return (np.cumsum(present) - 1).astype(np.int32)[labels]

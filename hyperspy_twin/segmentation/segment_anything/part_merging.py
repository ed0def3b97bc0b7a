"""Parts of an image joined to regions, so that every border is real."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from hyperspy_twin.segmentation.gradient_noise import brightness_range
from hyperspy_twin.segmentation.labels import depth_inside, number_consecutively
from hyperspy_twin.segmentation.smoothing import INDEPENDENT_AREA

# All set on the tuning half of benchmarks/segmentation.py.
# Distances over which a step is measured, in smoothing lengths.
_LAGS = (2, 3, 5)
# Distance from a border from which on brightness is that of the inside, in smoothing lengths.
_FLANK = 2.0
# Pairs inside a part, in squared smoothing lengths, that tell its variation.
_FEWEST_PAIRS = 5.0
# Variation that is always granted, in brightness ranges.
_MIN_VARIATION = 0.015
# Least step in units of the variation.
_MIN_CONTRAST = 0.55
# The same in standard errors of the mean over the smaller part.
_STANDARD_ERRORS = 5.0
# Fraction of the pairs across a border that an axis must have to count.
_MIN_PAIRS = 0.25
# Width of a strip that may be the flank of an edge, in smoothing lengths.
_FLANK_WIDTH = 4.5
# The same in pixels of a mask.
_FLANK_MASK_PIXELS = 2.0
# Excess, as a fraction of its borders, of those of a flank that lead one way over the others.
_ONE_WAY = 0.65


def join_unsupported(
    parts: np.ndarray,
    working: np.ndarray,
    masks: np.ndarray,
    scores: np.ndarray,
    resolution: Resolution,
) -> np.ndarray:
    """Regions whose borders the image supports.

    The mean step across a border, between pixels two to five smoothing lengths apart, less what
    the mean slope of the two parts explains, is measured in units of what the brightness varies
    around that slope at the same distance inside them (residual variogram, root mean square of
    both): noise, texture and shading raise the bar by themselves. The bar is 0.55 variations
    plus five standard errors of the mean over the smaller part, doubled where no mask tells the two
    parts apart. Parts that stay below the bar, small and thin parts, and strips between a darker
    and a brighter neighbour that are as narrow as the flank of an edge join the neighbour behind
    the border that is weakest against its bar, the weakest of all first.

    Parameters
    ----------
    parts : numpy.ndarray
        Parts 0..n-1, shape (rows, columns).
    working : numpy.ndarray
        The smoothed image, same shape.
    masks : numpy.ndarray
        Boolean masks that the parts come from, shape (m, rows, columns).
    scores : numpy.ndarray
        How far each mask is trusted, 0 to 1, shape (m,).
    resolution : Resolution
        Of the image and of the masks.

    Returns
    -------
    numpy.ndarray
        Regions 0..r-1, int32.

    References
    ----------
    Matheron, Econ. Geol. 58 (1963) 1246 (variogram); 1969, "Le krigeage universel" (with drift).
    """
    graph = PartGraph(parts, working, masks, scores, resolution)
    owner = np.arange(len(graph.area))
    version = [0] * len(graph.area)
    weakest: list[tuple[float, int, int, int, int]] = []
    changed = graph.pairs(range(len(graph.area)))
    while changed or weakest:
        for a, b in changed:
            if graph.weak(a, b):
                heapq.heappush(weakest, (graph.weakness(a, b), a, b, version[a], version[b]))
        changed = set()
        if not weakest:
            break
        _, kept, joined, first, second = heapq.heappop(weakest)
        if (version[kept], version[joined]) == (first, second) and graph.weak(kept, joined):
            graph.join(kept, joined)
            owner[joined] = kept
            version[kept] += 1
            version[joined] = -1
            # Narrow neighbours may be the flank of an edge only now.
            changed = graph.pairs([kept, *filter(graph.narrow, graph.contact[kept])])
    for part, joined_to in enumerate(owner):  # which comes first
        owner[part] = owner[joined_to]
    return number_consecutively(owner[parts])


@dataclass(frozen=True)
class Resolution:
    """Smoothing length, pixel of a mask, area and depth that a region must have; in pixels."""

    smoothing: float
    mask_pixel: float
    smallest_area: float
    smallest_depth: float


class PartGraph:
    """Neighbouring parts with sums over pairs of pixels, which add up when parts join."""

    def __init__(
        self,
        parts: np.ndarray,
        working: np.ndarray,
        masks: np.ndarray,
        scores: np.ndarray,
        resolution: Resolution,
    ) -> None:
        granted = _MIN_VARIATION * brightness_range(working)
        self._floor = max(granted, float(np.finfo(np.float32).tiny))
        self._resolution = resolution
        self._scores = np.minimum(scores, 1)
        self._lags = [max(round(m * resolution.smoothing), 1) for m in _LAGS]
        self.area = np.bincount(parts.ravel()).astype(float)
        count = len(self.area)
        self._covered = np.array([np.bincount(parts[m], minlength=count) for m in masks], float)
        self._covered = self._covered.reshape(len(masks), count).T
        depth = depth_inside(parts)
        self.depth = np.array(ndimage.maximum(depth, parts, np.arange(count)), float)
        # The flank of an edge is no variation inside.
        steady = depth > np.minimum(_FLANK * resolution.smoothing, self.depth / 2)[parts]
        self.contact: list[dict[int, float]] = [{} for _ in range(count)]
        # Of pairs with a first: across[a][b], shape (lags, 2 axes, 3 sums).
        self._across: list[dict[int, np.ndarray]] = [{} for _ in range(count)]
        self._inside = np.zeros((count, len(_LAGS), 2, 3))
        for axis in range(2):
            for a, b, (edges, _, _) in _sum_pairs(parts, working, steady, 1, axis):
                if a != b:
                    for first, second in ((a, b), (b, a)):
                        before = self.contact[first].get(second, 0)
                        self.contact[first][second] = before + float(edges)
            for index, lag in enumerate(self._lags):
                for a, b, sums in _sum_pairs(parts, working, steady, lag, axis):
                    if a == b:
                        self._inside[a, index, axis] += sums
                    else:
                        self._across[b].setdefault(a, np.zeros(self._inside.shape[1:]))
                        table = self._across[a].setdefault(b, np.zeros(self._inside.shape[1:]))
                        table[index, axis] += sums
        self._spread = [self._measure_spread(part) for part in range(count)]

    def pairs(self, parts: Iterable[int]) -> set[tuple[int, int]]:
        """Neighbours of these parts with them, the smaller number first."""
        return {(min(a, b), max(a, b)) for a in parts for b in self.contact[a]}

    def weakness(self, a: int, b: int) -> float:
        """Contrast of two parts over the smallest that they need."""
        step = self._step(a, b)
        variations = [v for _, v in (self._spread[a], self._spread[b]) if v is not None]
        mean_square = np.mean([v**2 for v in variations], axis=0) if variations else 0.0
        contrast = np.abs(step) / np.maximum(np.sqrt(mean_square), self._floor)
        apart = np.abs(self._covered[a] / self.area[a] - self._covered[b] / self.area[b])
        independent = min(self.area[a], self.area[b]) / self._resolution.smoothing**2
        needed = _MIN_CONTRAST + _STANDARD_ERRORS / np.sqrt(independent / INDEPENDENT_AREA)
        return float(contrast.max() / (needed * (2 - (apart * self._scores).max(initial=0))))

    def weak(self, a: int, b: int) -> bool:
        """Whether two parts should not stay apart."""
        return self._unfit(a) or self._unfit(b) or self.weakness(a, b) < 1

    def narrow(self, part: int) -> bool:
        """Whether a part is as narrow as the flank of an edge or the gap between two masks."""
        width = 2 * self.area[part] / max(sum(self.contact[part].values()), 1)
        of_mask = _FLANK_MASK_PIXELS * self._resolution.mask_pixel
        return width < max(_FLANK_WIDTH * self._resolution.smoothing, of_mask)

    def join(self, kept: int, joined: int) -> None:
        """Add one part to another."""
        self._inside[kept] += self._inside[joined]
        if joined in self._across[kept]:
            self._inside[kept] += self._across[kept].pop(joined) + self._across[joined].pop(kept)
        del self.contact[kept][joined], self.contact[joined][kept]
        tables: tuple[list[dict[int, Any]], ...] = (self._across, self.contact)
        for table in tables:
            for other, value in table[joined].items():
                table[kept][other] = table[kept].get(other, 0) + value
                table[other][kept] = table[other].get(kept, 0) + table[other].pop(joined)
            table[joined] = {}
        self.area[kept] += self.area[joined]
        self.depth[kept] = max(self.depth[kept], self.depth[joined])
        self._covered[kept] += self._covered[joined]
        self._spread[kept] = self._measure_spread(kept)

    def _unfit(self, part: int) -> bool:
        resolution = self._resolution
        return bool(
            self.area[part] < resolution.smallest_area
            or self.depth[part] < resolution.smallest_depth
            or (self.narrow(part) and self._between(part))
        )

    def _between(self, part: int) -> bool:
        one_way = 0.0
        for other, length in self.contact[part].items():
            step = self._step(part, other).ravel()
            one_way += length if step[np.abs(step).argmax()] > 0 else -length
        return abs(one_way) < _ONE_WAY * sum(self.contact[part].values())

    def _step(self, a: int, b: int) -> np.ndarray:
        """Mean step from a to b beyond the slope, shape (lags, 2); 0 along an axis without it."""
        if b not in self._across[a]:  # thinner than any lag
            return np.zeros((len(_LAGS), 2))
        forward, backward = self._across[a][b], self._across[b][a]
        count = forward[..., 0] + backward[..., 0]
        slope = (self._spread[a][0] + self._spread[b][0]) / 2
        step = (forward - backward)[..., 1] - slope * (forward - backward)[..., 0]
        few = count < np.maximum(_MIN_PAIRS * count.sum(axis=1, keepdims=True), 1)
        return np.where(few, 0, step / np.maximum(count, 1))

    def _measure_spread(self, part: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Mean difference at each lag and axis, and standard deviation; shape (lags, 2).

        Lags beyond the extent of the part continue the last one that fits into it; an axis along
        which none does varies like the other, and None means that none fits at all.
        """
        count, along, square = np.moveaxis(self._inside[part], -1, 0)
        enough = count >= _FEWEST_PAIRS * self._resolution.smoothing**2
        mean = along / np.maximum(count, 1)
        deviation = np.sqrt(np.maximum(square / np.maximum(count, 1) - mean**2, 0))
        slope, variation = np.zeros_like(mean), np.full_like(mean, np.nan)
        for axis in range(2):
            fits = np.flatnonzero(enough[:, axis])
            if not fits.size:
                continue
            for index, lag in enumerate(self._lags):
                source = fits[max(int(np.searchsorted(fits, index, "right")) - 1, 0)]
                growth = lag / self._lags[source]
                slope[index, axis] = mean[source, axis] * growth
                variation[index, axis] = deviation[source, axis] * growth
        missing = np.isnan(variation[0])
        if missing.all():
            return slope, None
        if missing.any():
            variation[:, missing] = variation[:, ~missing]
        return slope, variation


def _sum_pairs(
    parts: np.ndarray, working: np.ndarray, steady: np.ndarray, lag: int, axis: int
) -> list[tuple[int, int, np.ndarray]]:
    """Count, sum and sum of squares of the differences along an axis, by (first, second) part.

    Pairs inside one part count where both pixels are steady.
    """
    labels, values, calm = (np.moveaxis(a, axis, 0) for a in (parts, working, steady))
    first, second = labels[:-lag].astype(np.int64), labels[lag:].astype(np.int64)
    kept = (first != second) | (calm[:-lag] & calm[lag:])
    along = (values[lag:] - values[:-lag])[kept].astype(float)
    span = int(parts.max()) + 1
    pair, position = np.unique((first * span + second)[kept], return_inverse=True)
    sums = [np.bincount(position, weight, pair.size) for weight in (None, along, along**2)]
    return [
        (*divmod(int(key), span), row) for key, row in zip(pair, np.stack(sums, 1), strict=True)
    ]

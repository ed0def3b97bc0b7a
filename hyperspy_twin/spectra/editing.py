"""Peaks that a person adds or removes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hyperspy_twin.core import Grid, Peaks
from hyperspy_twin.spectra.crystallinity import RegionSpectrum, judge_region
from hyperspy_twin.spectra.detection import candidates_at, measure_peaks
from hyperspy_twin.spectra.transform import WindowedRegion, windowed_region

# A point may be this many resolutions off the peak that it means: as far as a person points.
REACH = 3.0

Points = Sequence[Sequence[float]] | np.ndarray


def edit_peaks(
    image: np.ndarray,
    grid: Grid,
    mask: np.ndarray,
    peaks: Peaks,
    *,
    add: Points = (),
    remove: Points = (),
    calibrated: bool = True,
) -> RegionSpectrum:
    """Add and remove peaks of a region, and judge the region anew.

    New peaks are measured together with those that are there, which stay as they are, and have
    the probability 1.

    Parameters
    ----------
    image, grid, mask, calibrated
        As for :func:`~hyperspy_twin.spectra.find_region_peaks`.
    peaks
        Its peaks.
    add
        Points (x, y) in reciprocal units, shape (m, 2), on either side of zero: the maxima of the
        spectrum next to them become peaks.
    remove
        Points next to the peaks to remove.

    Returns
    -------
    RegionSpectrum
        Its peaks strongest first.

    Raises
    ------
    ValueError
        If there is no maximum, or no peak to remove, within three resolutions of a point, or a
        peak already where one is added.
    """
    region = windowed_region(image, grid, mask)
    kept = np.setdiff1d(np.arange(len(peaks)), _nearest(region, peaks.position, remove))
    peaks = peaks.take(kept)
    if len(add):
        peaks = _add(region, peaks, np.asarray(add, float).reshape(-1, 2))
    return judge_region(peaks, region, peaks.probability, calibrated=calibrated)


def _reach(region: WindowedRegion) -> float:
    """Distance in reciprocal units within which a point means a peak."""
    return REACH / min(region.grid.extent)


def _nearest(region: WindowedRegion, position: np.ndarray, points: Points) -> np.ndarray:
    """Find the peaks nearest to points (x, y) on either side of zero."""
    chosen, reach = [], _reach(region)
    for point in np.asarray(points, float).reshape(-1, 2):
        distance = _distance(position, point)
        if not distance.min(initial=np.inf) <= reach:
            raise ValueError(f"there is no peak within {reach:.3g} of {tuple(point.tolist())}")
        chosen.append(int(distance.argmin()))
    return np.array(chosen, int)


def _distance(position: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Distance (n,) of peaks or their Friedel partners from a point."""
    return np.minimum(*(np.hypot(*(position - sign * point).T) for sign in (1, -1)))


def _add(region: WindowedRegion, peaks: Peaks, points: np.ndarray) -> Peaks:
    old = len(peaks)
    found = candidates_at(region, np.concatenate([peaks.position, points]))
    climbed = found.maxima.frequency[old:] / np.asarray(region.grid.scale)
    for point, end in zip(points, climbed, strict=True):
        if not np.hypot(*(end - point)) < _reach(region):
            raise ValueError(f"there is no maximum of the spectrum near {tuple(point.tolist())}")
    known = peaks.position
    for end in climbed:
        if _distance(known, end).min(initial=np.inf) < 1 / (2 * max(region.grid.extent)):
            raise ValueError(f"there is a peak at {tuple(np.round(end, 4).tolist())} already")
        known = np.concatenate([known, end[None]])
    # The number of a maximum stands for its probability, to tell which are new.
    measured = measure_peaks(region, found, np.arange(len(known), dtype=float))
    added = measured.take(measured.probability >= old)
    return peaks.join(replace(added, probability=np.ones(len(added))))

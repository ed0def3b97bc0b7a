"""Spots that a person adds or takes away."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from hyperspy_twin.spectra.detection.candidates import candidates_at
from hyperspy_twin.spectra.detection.cfar import Spots, measure
from hyperspy_twin.spectra.transform import WindowedRegion

# A point may be this many resolutions off its spot.
REACH = 3.0


def reach_of(region: WindowedRegion) -> float:
    """Distance in reciprocal units within which a point means a spot."""
    return REACH / min(region.grid.extent)


def without(spots: Spots, index: np.ndarray) -> Spots:
    """All spots but those of some indices."""
    kept = np.setdiff1d(np.arange(len(spots)), index)
    return _chosen(spots, kept)


def with_spots_at(region: WindowedRegion, spots: Spots, points: np.ndarray) -> Spots:
    """Add spots at the maxima of the spectrum next to points.

    They are measured together with the spots that are there, which stay as they are, and have
    the probability 1.

    Parameters
    ----------
    region
        The windowed region.
    spots
        Its spots.
    points
        Points (x, y) in reciprocal units, shape (m, 2), on either side of zero.

    Returns
    -------
    Spots
        Strongest first.

    Raises
    ------
    ValueError
        If there is no maximum within three resolutions of a point, or a spot already.
    """
    points = np.asarray(points, float).reshape(-1, 2)
    old = len(spots)
    found = candidates_at(region, np.concatenate([spots.position, points]))
    climbed = found.maxima.frequency[old:] / np.asarray(region.grid.scale)
    for point, end in zip(points, climbed, strict=True):
        if not np.hypot(*(end - point)) < reach_of(region):
            raise ValueError(f"there is no maximum of the spectrum near {tuple(point.tolist())}")
    known = spots.position
    for end in climbed:
        nearest = [np.hypot(*(known - sign * end).T).min(initial=np.inf) for sign in (1, -1)]
        if min(nearest) < 1 / (2 * max(region.grid.extent)):
            raise ValueError(f"there is a spot at {tuple(np.round(end, 4).tolist())} already")
        known = np.concatenate([known, end[None]])
    measured = measure(region, found, np.arange(len(known), dtype=float))
    # The number of a maximum stands for its probability, to tell which are new.
    added = _chosen(measured, np.flatnonzero(measured.probability >= old))
    columns = {}
    for column in fields(Spots):
        new = getattr(added, column.name)
        new = np.ones(len(added)) if column.name == "probability" else new
        columns[column.name] = np.concatenate([getattr(spots, column.name), new])
    together = Spots(**columns)
    return _chosen(together, np.argsort(-together.intensity, kind="stable"))


def _chosen(spots: Spots, index: np.ndarray) -> Spots:
    return Spots(**{column.name: getattr(spots, column.name)[index] for column in fields(Spots)})

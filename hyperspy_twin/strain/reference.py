"""The reference of a strain analysis: which region, and which of its pixels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hyperspy_twin.core import Peaks
from hyperspy_twin.strain.vectors import HIGHEST_ORDER, partner_distance

# Regions within this fraction of the best are equal, and the lowest on the screen is taken; set by
# judgement.
EQUAL_FRACTION = 0.75
# Fraction of the border that counts for a region that touches none, so that area decides there.
WITHOUT_BORDER = 0.05
# Regions have the same lattice if this fraction of their low-order peaks coincides; the others may
# be too weak in one of them.
SAME_LATTICE_FRACTION = 0.8
# Peaks coincide within this fraction of their length: more than the error of a position, less than
# the misfit of layers that are worth comparing.
SAME_LATTICE_TOLERANCE = 0.005


def choose_reference(
    labels: np.ndarray,
    quality: Mapping[int, float],
    margin_pixels: float,
    peaks: Mapping[int, Peaks] | None = None,
) -> int:
    """Choose the region whose lattice is taken as unstrained: a large one that leaves the image.

    A substrate or a barrier goes on beyond the field of view, a layer or a particle does not. So
    regions are ranked by quality times the area that is left after the margin, times the fraction
    of the image's border that they touch (plus 0.05, for regions that touch none). Regions of the
    same lattice count together, so that two barriers outweigh the wider well between them.
    Of regions that are equal within a quarter the lowest on the screen is taken, where a substrate
    usually is.

    Parameters
    ----------
    labels, margin_pixels
        As for :func:`reference_mask`, which takes the margin off.
    quality
        How well each region is a single crystal, from 0 to 1: its phase score, or the
        fraction of its peaks that are indexed. Regions that are absent or at 0 are not crystalline.
    peaks
        Peaks of the lattices of the regions. Without them each region counts for itself.

    Raises
    ------
    ValueError
        If there is no crystalline region.
    """
    score: dict[int, float] = {}
    row: dict[int, float] = {}
    border = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    for label, value in quality.items():
        if not np.isfinite(value) or value <= 0.0:
            continue
        rows = np.nonzero(_inner(labels, label, margin_pixels))[0]
        if len(rows):
            score[label], row[label] = value * len(rows), float(rows.mean())
    if not score:
        raise ValueError(
            "no region is crystalline: name the reference, or find peaks in a region with a lattice"
        )
    peaks = peaks or {}
    families = {
        label: [
            other
            for other in score
            if other == label
            or (label in peaks and other in peaks and _same_lattice(peaks[label], peaks[other]))
        ]
        for label in score
    }
    total = {
        label: sum(score[member] for member in family)
        * (WITHOUT_BORDER + np.isin(border, family).mean())
        for label, family in families.items()
    }
    equal = [
        label
        for label, family in families.items()
        if total[label] >= EQUAL_FRACTION * max(total.values())
        and score[label] >= EQUAL_FRACTION * max(score[member] for member in family)
    ]
    return int(max(equal, key=lambda label: (row[label], label)))


def reference_mask(labels: np.ndarray, label: int, margin_pixels: float) -> np.ndarray:
    """Pixels of a region that keep a distance from its outline and from the image's edge.

    Two to three resolutions keep the windows inside the region. At most half of the largest
    distance is taken, so that thin regions keep a core.

    Raises
    ------
    ValueError
        If the label is absent.
    """
    if not np.any(labels == label):
        raise ValueError(f"there is no region {label}: choose one of {np.unique(labels).tolist()}")
    return _inner(labels, label, margin_pixels)


def _inner(labels: np.ndarray, label: int, margin_pixels: float) -> np.ndarray:
    """Give :func:`reference_mask` also for a label that is absent."""
    from scipy.ndimage import distance_transform_edt

    result = np.zeros(labels.shape, bool)
    inside = labels == label
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if len(rows):
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        distance = distance_transform_edt(np.pad(inside[box], 1))[1:-1, 1:-1]
        result[box] = distance > min(margin_pixels, distance.max() / 2)
    return result


def _same_lattice(peaks: Peaks, others: Peaks) -> bool:
    """Whether nearly all low-order peaks of two regions coincide."""
    length = np.linalg.norm(peaks.position, axis=1)
    low = length <= HIGHEST_ORDER * length.min(initial=np.inf)
    distance = partner_distance(peaks.position[low], others.position)
    same = distance <= SAME_LATTICE_TOLERANCE * length[low]
    return bool(low.any() and np.mean(same) >= SAME_LATTICE_FRACTION)

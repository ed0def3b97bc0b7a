"""The reference of a strain analysis: which region, and which of its pixels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Peaks
from hyperspy_twin.strain.vectors import HIGHEST_ORDER, partner_distance

# Regions within this fraction of the best are equal, and the lowest on the screen is taken; set by
# judgement.
EQUAL_FRACTION = 0.75
# Of regions whose score is at least this fraction of the best the less distorted one is taken: the
# score falls with the square of the size, so that this is a region of a quarter of the size.
COMPARABLE_FRACTION = 0.05
# Distortions that differ by less are equal: errors of peak positions, and strain that is not
# uniform, come up to it.
EQUAL_DISTORTION = 0.003
# Fraction of the border that counts for a region that touches none, so that area decides there.
WITHOUT_BORDER = 0.05
# Fraction of the largest distance from its neighbours below which pixels are left out of the
# reference. In benchmarks/gpa_scenes.py strain that decays into the substrate over 0.6 to 1.5 nm
# moves the mean by up to 0.1 % without it.
INNER_PART = 0.5
# Margins that the reference extends in depth at least, so that its mean stays precise.
SMALLEST_DEPTH = 2.0
# Regions have the same lattice if this fraction of their low-order peaks coincides; the others may
# be too weak in one of them.
SAME_LATTICE_FRACTION = 0.8
# Peaks coincide within this fraction of their length: more than the error of a position, less than
# the misfit of layers that are worth comparing.
SAME_LATTICE_TOLERANCE = 0.005


@dataclass(frozen=True, eq=False)
class ReferenceScores:
    """How well each crystalline region serves as the reference, every array of shape (n,).

    Attributes
    ----------
    region
        Numbers of the regions.
    quality
        How well each is a single crystal, from 0 to 1.
    area
        Pixels that are left after the margin.
    border
        Fraction of the image's border that the region and others of its lattice touch.
    distortion
        How much more the lattice is stretched along one direction than across it, relative to
        its crystal; NaN where that is unknown.
    score
        What the first three make of it, for all regions of the same lattice together.
    row
        Mean row of the pixels.
    eligible
        Whether nothing excludes the region.
    """

    region: np.ndarray
    quality: np.ndarray
    area: np.ndarray
    border: np.ndarray
    distortion: np.ndarray
    score: np.ndarray
    row: np.ndarray
    eligible: np.ndarray

    def best(self, among: Collection[int]) -> int:
        """Region that is chosen among some: of equals within a quarter the lowest on the screen."""
        able = np.isin(self.region, list(among))
        if (able & self.eligible).any():
            able &= self.eligible
        largest = self.score.max(where=able, initial=0.0)
        equal = np.flatnonzero(able & (self.score >= EQUAL_FRACTION * largest))
        return int(max(self.region[equal], key=lambda n: (self.row[self.region == n][0], n)))


def score_references(
    labels: np.ndarray,
    quality: Mapping[int, float],
    margin_pixels: float,
    peaks: Mapping[int, Peaks] | None = None,
    distortion: Mapping[int, float] | None = None,
) -> ReferenceScores:
    """Score the regions as the reference: a large unstrained one that leaves the image is best.

    A substrate or a barrier goes on beyond the field of view, a layer or a particle does not. So
    regions are ranked by quality times the area that is left after the margin, times the fraction
    of the image's border that they touch (plus 0.05, for regions that touch none). Regions of the
    same lattice count together, so that two barriers outweigh the wider well between them; a much
    smaller one of them is not eligible.

    A layer that is strained to fit a substrate is stretched across the interface only: a region
    whose lattice is more distorted than another one, which is not much behind it, is not eligible.

    Parameters
    ----------
    labels, margin_pixels
        As for :func:`reference_mask`, which takes the margin off.
    quality
        How well each region is a single crystal, from 0 to 1: its phase score, or the
        fraction of its peaks that are indexed. Regions that are absent or at 0 are not crystalline.
    peaks
        Peaks of the lattices of the regions. Without them each region counts for itself.
    distortion
        How much more each lattice is stretched along one direction than across it, relative to
        its crystal; NaN where that is unknown.

    Raises
    ------
    ValueError
        If there is no crystalline region.
    """
    border = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    rows = {
        label: np.nonzero(_inner(labels, label, margin_pixels))[0]
        for label, value in quality.items()
        if np.isfinite(value) and value > 0.0
    }
    region = [label for label, found in rows.items() if len(found)]
    if not region:
        raise ValueError(
            "no region is crystalline: name the reference, or find peaks in a region with a lattice"
        )
    peaks, distortion = peaks or {}, distortion or {}
    families = [
        [
            index
            for index, other in enumerate(region)
            if other == label
            or (label in peaks and other in peaks and _same_lattice(peaks[label], peaks[other]))
        ]
        for label in region
    ]
    own = np.array([quality[label] * len(rows[label]) for label in region])
    touched = np.array([np.isin(border, [region[i] for i in one]).mean() for one in families])
    score = np.array([own[one].sum() for one in families]) * (WITHOUT_BORDER + touched)
    stretched = np.array([distortion.get(label, np.nan) for label in region], float)
    large = np.isfinite(stretched) & (score >= COMPARABLE_FRACTION * score.max())
    limit = stretched.min(where=large, initial=np.inf) + EQUAL_DISTORTION
    largest = np.array([own[one].max() for one in families])
    return ReferenceScores(
        region=np.array(region),
        quality=np.array([quality[label] for label in region], float),
        area=np.array([len(rows[label]) for label in region]),
        border=touched,
        distortion=stretched,
        score=score,
        row=np.array([rows[label].mean() for label in region]),
        eligible=~(stretched > limit) & (own >= EQUAL_FRACTION * largest),
    )


def reference_mask(labels: np.ndarray, label: int, margin_pixels: float) -> np.ndarray:
    """Pixels of a region that keep a distance from its outline and from the image's edge.

    Two to three resolutions keep the windows inside the region. At most half of the largest
    distance is taken, so that thin regions keep a core. Of the distance from all that borders on
    the region in the image, the inner half is taken where it is broad, since strain at an interface
    reaches into a substrate.

    Raises
    ------
    ValueError
        If the label is absent.
    """
    if not np.any(labels == label):
        raise ValueError(f"there is no region {label}: choose one of {np.unique(labels).tolist()}")
    from scipy.ndimage import distance_transform_edt

    inner = _inner(labels, label, margin_pixels)
    if (labels == label).all():
        return inner
    depth = distance_transform_edt(labels == label)
    largest = depth[inner].max()
    return inner & (depth >= min(INNER_PART * largest, largest - SMALLEST_DEPTH * margin_pixels))


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

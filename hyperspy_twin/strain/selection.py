"""Automatic choice of reflections, resolution and reference for geometric phase analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hyperspy_twin.strain.comparable import has_partners

# Reflections weaker than this are not considered.
LEAST_SNR = 5.0
# Reflections longer than this many times the shortest are not considered: they are weak, and
# the first to suffer from scan distortion.
HIGHEST_ORDER = 3.0
# Least sine of the angle between the two vectors, and the one accepted if there is no better.
WIDE_SINE, NARROW_SINE = 0.45, 0.2
# Resolution times the distance to the next reflection: by default, and at least.
DEFAULT_SEPARATION, LEAST_SEPARATION = 1.5, 0.8
# Spots nearer to a vector than this share of the shortest vector are satellites, streaks or noise
# and no neighbours: a superstructure that doubles the cell is still kept out of the mask.
NEAREST_NEIGHBOUR = 0.4
# Resolution times the distance to a partner at which the mask has fallen to one half.
HALF_HEIGHT = float(np.sqrt(np.log(2.0) / 2.0) / np.pi)
# Regions within this share of the best are equal, and the lowest on the screen is taken.
EQUAL_SHARE = 0.75
# Share of the border that counts for a region that touches none.
WITHOUT_BORDER = 0.05
# Regions have the same lattice if this share of their reflections differs by no more than this.
SAME_SHARE, SAME_LATTICE = 0.8, 0.005


def choose_vectors(
    spots: np.ndarray,
    snr: np.ndarray,
    intensity: np.ndarray,
    region_spots: Sequence[np.ndarray] = (),
) -> np.ndarray:
    """Choose the pair of reflections that determines the strain best.

    The variance of the strain from a pair is proportional to the trace of
    G^-1 diag(1 / intensity) G^-T, where the rows of G are the vectors: long, strong and
    perpendicular vectors make it small. The pair with the least variance is taken among the
    reflections of low order that all regions show, if there is such a pair.

    Parameters
    ----------
    spots
        Reflections (x, y) in the reciprocal unit, shape (n, 2); both, or one, of each pair of
        opposite ones.
    snr
        Signal-to-noise ratio of each, shape (n,).
    intensity
        Intensity (squared amplitude) of each, shape (n,).
    region_spots
        Reflections of each region, each of shape (m, 2). A reflection is common when each
        region has one within 12 % of its length.

    Returns
    -------
    numpy.ndarray
        The two vectors, shape (2, 2), in the half plane of positive x, or of positive y along
        the y axis.

    Raises
    ------
    ValueError
        If fewer than two reflections in different directions are above the noise.
    """
    spots = np.asarray(spots, float).reshape(-1, 2)
    snr, intensity = np.asarray(snr, float), np.asarray(intensity, float)
    if snr.shape != (len(spots),) or intensity.shape != (len(spots),):
        raise ValueError(f"snr and intensity need one value for each of the {len(spots)} spots")
    length = np.linalg.norm(spots, axis=1)
    good = (snr >= LEAST_SNR) & (intensity > 0.0) & (length > 0.0)
    if good.any():
        good &= length <= HIGHEST_ORDER * length[good].min()
    common = good & np.array(
        [
            all(has_partners(spot[None], np.asarray(found)) for found in region_spots)
            for spot in spots
        ],
        bool,
    )
    for candidates in (common, good):
        for sine in (WIDE_SINE, NARROW_SINE):
            pair = _best_pair(spots[candidates], intensity[candidates], sine)
            if pair is not None:
                return pair
    raise ValueError(
        "no two reflections in clearly different directions are above the noise: give the "
        "vectors, or find peaks in a region with a visible lattice"
    )


def choose_resolution(vectors: np.ndarray, spots: np.ndarray, spread: float = 0.0) -> float:
    """Choose the standard deviation of the Gaussian window in real space.

    With D the distance from the vectors to the next reflection, the resolution is 1.5 / D: one
    and a half lattice spacings, where a neighbour of equal height is suppressed by 1e-19. When
    the lattices of the regions differ so much that their partner reflections lie outside half
    the height of the mask, the mask is widened, down to 0.8 / D (suppression 3e-6).

    Parameters
    ----------
    vectors
        Vectors (x, y) of the analysis, shape (k, 2).
    spots
        All reflections of the image, shape (n, 2); opposite ones and the centre are added.
    spread
        Largest relative difference between the lattices of the regions, such as 0.1. Spots
        this close to a vector are its partners in other regions.

    Returns
    -------
    float
        Resolution, in the inverse of the vectors' unit.

    Raises
    ------
    ValueError
        If the spread is negative, or so large that no mask holds the partners and excludes the
        next reflections.
    """
    if not spread >= 0.0:
        raise ValueError(f"the spread must not be negative, but is {spread}")
    vectors = np.asarray(vectors, float)
    spots = np.asarray(spots, float).reshape(-1, 2)
    others = np.concatenate([spots, -spots, vectors, -vectors, np.zeros((1, 2))])
    length = np.linalg.norm(vectors, axis=1)
    distance = np.linalg.norm(others[None] - vectors[:, None], axis=2)
    # A partner is found no more accurately than the spots are, hence the margin.
    partner = distance <= np.maximum(1.2 * spread, 0.02) * length[:, None]
    nearest = float(distance[~partner & (distance > NEAREST_NEIGHBOUR * length.min())].min())
    reach = spread * float(length.max())
    resolution = DEFAULT_SEPARATION / nearest
    if reach > 0.0:
        resolution = min(resolution, HALF_HEIGHT / reach)
    if resolution < LEAST_SEPARATION / nearest:
        raise ValueError(
            f"lattices that differ by {spread:.3g} cannot be held in one mask, since the next "
            f"reflection is {nearest:.3g} away: choose shorter vectors, or analyse the regions "
            "with one window each by giving labels and a spread of 0"
        )
    return resolution


def choose_reference(
    labels: np.ndarray,
    quality: Mapping[int, float],
    margin_pixels: float,
    region_spots: Mapping[int, np.ndarray] | None = None,
) -> int:
    """Choose the region whose lattice is taken as unstrained: a large one that leaves the image.

    A substrate or a barrier goes on beyond the field of view, a layer or a particle does not. So
    regions are ranked by quality times the area that is left after the margin, times the share
    of the image's border that they touch (plus 0.05, for regions that touch none). Regions of the
    same lattice count together, so that two barriers outweigh the wider well between them.
    Of regions that are equal within a quarter the lowest on the screen is taken, where a substrate
    usually is.

    Parameters
    ----------
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned.
    quality
        How well each region is a single crystal, from 0 to 1: its phase score, or the share of
        its reflections that are indexed. Regions that are absent or at 0 are not crystalline.
    margin_pixels
        Margin that :func:`reference_mask` will take off.
    region_spots
        Reflections (x, y) of the regions, each of shape (n, 2). Without them each region counts
        for itself.

    Returns
    -------
    int
        Label of the reference.

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
    spots = region_spots or {}
    families = {
        label: [
            other
            for other in score
            if other == label
            or (label in spots and other in spots and _same_lattice(spots[label], spots[other]))
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
        if total[label] >= EQUAL_SHARE * max(total.values())
        and score[label] >= EQUAL_SHARE * max(score[member] for member in family)
    ]
    return int(max(equal, key=lambda label: (row[label], label)))


def reference_mask(labels: np.ndarray, label: int, margin_pixels: float) -> np.ndarray:
    """Pixels of a region that keep a distance from its outline and from the image's edge.

    Parameters
    ----------
    labels
        Region of each pixel, shape (rows, columns).
    label
        Label of the reference.
    margin_pixels
        Distance in pixels; two to three resolutions keep the windows inside the region. At most
        half of the largest distance is taken.

    Returns
    -------
    numpy.ndarray
        Boolean mask, shape (rows, columns).

    Raises
    ------
    ValueError
        If the label is absent.
    """
    if not np.any(labels == label):
        raise ValueError(f"there is no region {label}: choose one of {np.unique(labels).tolist()}")
    return _inner(labels, label, margin_pixels)


def _inner(labels: np.ndarray, label: int, margin_pixels: float) -> np.ndarray:
    """Pixels of a label farther than the margin from any other pixel and from the edge.

    The margin is at most half of the largest such distance, so that thin regions keep a core.
    """
    from scipy.ndimage import distance_transform_edt

    result = np.zeros(labels.shape, bool)
    inside = labels == label
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if len(rows):
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        distance = distance_transform_edt(np.pad(inside[box], 1))[1:-1, 1:-1]
        result[box] = distance > min(margin_pixels, distance.max() / 2)
    return result


def _same_lattice(spots: np.ndarray, others: np.ndarray) -> bool:
    """Whether nearly all low-order reflections of two regions coincide."""
    length = np.linalg.norm(spots, axis=1)
    low = length <= HIGHEST_ORDER * length.min(initial=np.inf)
    both = np.concatenate([others, -others])
    if not low.any() or not len(both):
        return False
    distance = np.linalg.norm(both[None] - spots[low, None], axis=2).min(axis=1)
    return bool(np.mean(distance <= SAME_LATTICE * length[low]) >= SAME_SHARE)


def _best_pair(spots: np.ndarray, intensity: np.ndarray, least_sine: float) -> np.ndarray | None:
    """Pair with the least variance of the strain, in the right half plane."""
    opposite = (spots[:, 0] < 0.0) | ((spots[:, 0] == 0.0) & (spots[:, 1] < 0.0))
    spots = np.where(opposite[:, None], -spots, spots)
    length = np.linalg.norm(spots, axis=1)
    first, second = np.triu_indices(len(spots), 1)
    determinant = spots[first, 0] * spots[second, 1] - spots[first, 1] * spots[second, 0]
    wide = np.abs(determinant) >= least_sine * length[first] * length[second]
    if not wide.any():
        return None
    first, second, determinant = first[wide], second[wide], determinant[wide]
    variance = length[second] ** 2 / intensity[first] + length[first] ** 2 / intensity[second]
    best = int(np.argmin(variance / determinant**2))
    return spots[[first[best], second[best]]]

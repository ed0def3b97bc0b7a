"""Which regions of a dark-field image are vacuum, by how little they scatter and their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import Grid, Peaks
from hyperspy_twin.spectra.crystallinity import NO_LATTICE, VACUUM, RegionSpectrum
from hyperspy_twin.spectra.rings import measure_radial_profile
from hyperspy_twin.spectra.transform import windowed_region

# Signal of vacuum over that of the brightest region, at most. Carbon as thick as the tungsten
# beside it, the largest contrast of common materials, has 0.022 by the number of atoms per volume
# (100 and 63 / nm^3) and Z^1.7 (S.J. Pennycook, D.E. Jesson, Ultramicroscopy 37 (1991) 14).
FAINTEST = 0.02
# Variance of its noise over that of the brightest region, at most: half the standard deviation of
# counting there, which detectors that are in use stay below. More noise is that of something that
# scatters, whose level was subtracted.
QUIET = 0.25
# Standard errors by which the power of the inner rings exceeds that of the outer ones where there
# is structure; noise does in one region of 700.
SIGNIFICANCE = 3.0
# Fraction of the noise that structure adds at least. Fainter gradients and tails of the probe are
# no matter.
STRUCTURE = 0.15
# Rings of a profile in which structure can be told.
FEWEST_RINGS = 6


@dataclass(frozen=True)
class _Noise:
    """Variance of the white noise of a region per pixel, and whether there is more than noise."""

    variance: float
    structure: bool


def name_vacuum(
    found: Sequence[RegionSpectrum],
    image: np.ndarray,
    grid: Grid,
    labels: np.ndarray,
    *,
    dark_field: bool = False,
) -> list[RegionSpectrum]:
    """Name the vacuum among the regions without a lattice of a dark-field image.

    A region is vacuum where it shows noise and nothing else, where this noise is weak, and where
    its mean is hardly any beside that of the brightest region. Where the dark level of the detector
    is above zero, the ratio of the means is too large, and vacuum may be missed; where it is
    below, no region is named.

    In a bright-field image vacuum is bright and bare, and an opaque particle is dark. Where nobody
    says that it is none, the brightest region has to show more than noise, and the vacuum to reach
    the border.

    Parameters
    ----------
    found
        Spectra of the regions.
    image
        Finite image, shape (rows, columns).
    grid
        Its grid.
    labels
        Region of each pixel.
    dark_field
        Whether the image is known to be a dark-field one.

    Returns
    -------
    list of RegionSpectrum
        The same; those of vacuum have its name and the reason.
    """
    numbers = [one.peaks.region for one in found]
    means = {number: float(image[labels == number].mean()) for number in numbers}
    brightest = max(numbers, key=means.__getitem__, default=0)
    dark = [
        one.peaks.region
        for one in found
        if one.crystallinity.name in (NO_LATTICE, VACUUM)
        and means[one.peaks.region] <= FAINTEST * means[brightest]
    ]
    if not dark or image.min() < 0:
        return list(found)
    bright = _measure_noise(image, grid, labels == brightest)
    if bright is None:
        return list(found)
    if not dark_field:
        peaks_or_rings = found[numbers.index(brightest)].crystallinity.shows_structure
        structure = bright.structure or peaks_or_rings
        dark = sorted(set(dark) & _at_the_border(labels)) if structure else []
    named = {}
    for number in dark:
        noise = _measure_noise(image, grid, labels == number)
        bare = noise is not None and not noise.structure
        if bare and noise is not None and noise.variance <= QUIET * bright.variance:
            fraction = 100 * means[number] / means[brightest]
            named[number] = (
                f"nothing but weak noise, at {fraction:.1g} % of the brightness of region "
                f"{brightest}"
            )
    return [
        replace(one, crystallinity=replace(one.crystallinity, name=VACUUM, reason=named[number]))
        if number in named
        else one
        for number, one in zip(numbers, found, strict=True)
    ]


def _at_the_border(labels: np.ndarray) -> set[int]:
    """Regions that reach the border of the labelled area."""
    (area,) = ndimage.find_objects((labels > 0).astype(np.uint8))
    part = labels[area]
    edges = (part[0], part[-1], part[:, 0], part[:, -1])
    return set(np.concatenate(edges).tolist())


def _measure_noise(image: np.ndarray, grid: Grid, mask: np.ndarray) -> _Noise | None:
    """Measure the noise of a region; None where it is too small."""
    if np.ptp(image[mask]) == 0:
        return _Noise(0.0, False)
    region = windowed_region(image, grid, mask)
    none = Peaks.none()
    profile = measure_radial_profile(region, none.position, none.snr)
    third = len(profile.radius) // 3
    if len(profile.radius) < FEWEST_RINGS:
        return None
    weight, logarithm = 1 / profile.noise_error**2, np.log(profile.noise)
    (inner, inner_error), (outer, outer_error) = (
        (np.average(logarithm[part], weights=weight[part]), weight[part].sum() ** -0.5)
        for part in (slice(third), slice(-third, None))
    )
    chance = SIGNIFICANCE * float(np.hypot(inner_error, outer_error))
    window = float(np.square(region.window, dtype=float).sum())
    structure = inner - outer > max(chance, float(np.log1p(STRUCTURE)))
    return _Noise(float(np.exp(outer)) / window, bool(structure))

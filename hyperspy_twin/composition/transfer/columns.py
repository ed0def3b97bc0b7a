"""The fractions of a coarse map at the sites of a model, without a staircase."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates, spline_filter, uniform_filter

# A guide that explains less than this part of the variance of a map is not used: most of what it
# would add within pixels were thickness, strain or bending.
LEAST_EXPLAINED = 0.5
# Fractions start from at least this, so that a pixel can be scaled to any mean.
SMALLEST_FRACTION = 1e-4
# Where a model covers a smaller part of a pixel (relative to the median), its sites need not have
# the mean of the pixel.
COVERED = 0.5
# The means of pixels agree with the map to this; counting errors are above it.
SAME_MEAN = 1e-4
# Times that what exceeds the bounds is spread over 3 x 3 pixels: some 7 pixels far.
SPREADING = 50
# Each round brings the means nearer; 3 are usual, where a pixel is nearly pure some 30.
MOST_ROUNDS = 200


class SiteFractions(NamedTuple):
    """Fractions at sites.

    Attributes
    ----------
    fractions
        Fractions of the elements, NaN outside the map and where it is withheld, shape (e, n).
    explained
        Part of the variance of each element's map that the guide explains; 0 without one,
        shape (e,).
    """

    fractions: np.ndarray
    explained: np.ndarray


def fractions_at_sites(
    maps: np.ndarray, points: np.ndarray, guide: np.ndarray | None = None
) -> SiteFractions:
    """Find the fractions at sites whose means over the pixels are those of a map.

    A pixel of the map is the mean over its area. A smooth surface with these means (a histospline)
    has no staircase at the borders of pixels and is nearer to the truth than interpolation, which
    takes means for values at the centres. Where an image of the same columns follows the
    composition, it says how the fraction runs within a pixel: the regression of the map on the
    means of the image gives the scale, and only what it leaves is a histospline. Fractions are
    limited to [0, 1], with the mean over the sites of each pixel kept.

    Parameters
    ----------
    maps
        Fractions of elements that share sites, which add up to 1, as measured; NaN where withheld,
        shape (e, rows, columns).
    points
        Sites in pixels of the map (x, y), centres of pixels at whole numbers, shape (n, 2).
    guide
        Intensity of an image at the sites, shape (n,).

    Raises
    ------
    ValueError
        If no site lies on a pixel that has a value.

    References
    ----------
    I. J. Schoenberg, in: Studies in Spline Functions and Approximation Theory (1976): histosplines.
    P. C. Kyriakidis, Geogr. Anal. 36 (2004) 259-289: area-to-point prediction with a covariate.
    """
    elements, rows, columns = maps.shape
    known = np.all(np.isfinite(maps), axis=0)
    if not known.any():
        raise ValueError("the composition is withheld in every pixel: nothing can be transferred")
    pixel = np.rint(points).astype(np.int64)
    inside = np.all((pixel >= 0) & (pixel < (columns, rows)), axis=1)
    flat = np.where(inside, pixel[:, 1] * columns + pixel[:, 0], 0)
    inside &= known.ravel()[flat]
    if not inside.any():
        raise ValueError("no site of the model lies where the composition map has a value")
    flat, coordinates = flat[inside], points[inside].T[::-1]
    intensity = None if guide is None else np.asarray(guide, float)[inside]
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    filled = np.stack([_within_bounds(one) for one in maps[:, nearest[0], nearest[1]]])
    filled /= filled.sum(axis=0)
    found = [_guided(one, coordinates, flat, intensity) for one in filled]
    values = np.clip([one for one, _ in found], SMALLEST_FRACTION, 1.0)
    values /= values.sum(axis=0)
    count = np.bincount(flat, minlength=rows * columns)
    whole = (count >= COVERED * np.median(count[count > 0]))[flat]
    values[:, whole] = keep_means(values[:, whole], flat[whole], filled.reshape(elements, -1))
    fractions = np.full((elements, len(points)), np.nan)
    fractions[:, inside] = values
    return SiteFractions(fractions, np.array([explained for _, explained in found]))


def keep_means(fractions: np.ndarray, pixel: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Bring fractions between 0 and 1 to given means over pixels.

    The odds of the elements are multiplied by one factor in each pixel (iterative proportional
    fitting), which keeps the order of the sites.

    Parameters
    ----------
    fractions
        Fractions of the elements as estimated, above 0, shape (e, n).
    pixel
        Pixel of each site, shape (n,).
    means
        Wanted means, which add up to 1, shape (e, pixels).

    References
    ----------
    W. E. Deming, F. F. Stephan, Ann. Math. Stat. 11 (1940) 427-444.
    """
    result = fractions.copy()
    left = np.arange(len(pixel))
    for _ in range(MOST_ROUNDS):
        count = np.maximum(np.bincount(pixel[left], minlength=means.shape[1]), 1)
        sums = [np.bincount(pixel[left], one[left], means.shape[1]) for one in result]
        present = np.stack(sums) / count
        off = np.any(np.abs(present - means) > SAME_MEAN, axis=0)
        left = left[off[pixel[left]]]
        if not len(left):
            break
        factor = means / np.maximum(present, SMALLEST_FRACTION**2)
        scaled = result[:, left] * factor[:, pixel[left]]
        result[:, left] = scaled / scaled.sum(axis=0)
    return result


def _within_bounds(mean: np.ndarray) -> np.ndarray:
    """Fractions between 0 and 1 with the same mean over some pixels.

    Counting noise makes fractions of pure layers negative in half of the pixels. Cutting them off
    would leave the positive half and make the layer impure; what is cut off is taken from the
    neighbours.
    """
    limited = np.clip(mean, 0, 1)
    for _ in range(SPREADING):
        cut = mean - limited
        if np.abs(cut).max() < SAME_MEAN:
            break
        mean = limited + uniform_filter(cut, 3, mode="reflect")
        limited = np.clip(mean, 0, 1)
    return limited


def _guided(
    mean: np.ndarray, coordinates: np.ndarray, pixel: np.ndarray, guide: np.ndarray | None
) -> tuple[np.ndarray, float]:
    """Values at sites whose means over pixels are close to those given, and what a guide explains.

    Parameters
    ----------
    mean
        Means over pixels, shape (rows, columns).
    coordinates
        Sites in pixels (row, column), shape (2, n).
    pixel
        Pixel of each site, shape (n,).
    guide
        Intensity at the sites, shape (n,).
    """
    smooth = _histospline(mean, coordinates)
    if guide is None:
        return smooth, 0.0
    count = np.bincount(pixel, minlength=mean.size)
    seen = count > 0
    level = np.bincount(pixel, guide, mean.size)[seen] / count[seen]
    slope, base = np.polyfit(level, mean.ravel()[seen], 1) if np.ptp(level) > 0 else (0.0, 0.0)
    scatter = mean.ravel()[seen].var()
    rest = (mean.ravel()[seen] - base - slope * level).var()
    explained = 1 - rest / scatter if scatter > 0 else 0.0
    if explained < LEAST_EXPLAINED:
        return smooth, explained
    levels = np.full(mean.size, level.mean())
    levels[seen] = level
    detail = slope * (guide - _histospline(levels.reshape(mean.shape), coordinates))
    return smooth + _signal_part(detail, pixel, mean.shape)[pixel] * detail, explained


def _signal_part(detail: np.ndarray, pixel: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Part of the variance of a detail in each pixel that is more than noise, shape (pixels,).

    Most pixels lie within layers, where an image varies by noise alone: its variance is the median
    of all pixels (Wiener's filter with the local variance).
    """
    count = np.bincount(pixel, minlength=shape[0] * shape[1])
    power = np.bincount(pixel, detail**2, shape[0] * shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = power / count
    noise = np.nanmedian(variance)
    return np.nan_to_num(np.clip(1 - noise / np.maximum(variance, 1e-30), 0, 1))


def _histospline(mean: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
    """Quadratic spline whose means over pixels are those given.

    The mean of a quadratic B-spline over a pixel is the cubic B-spline at its centre, so that its
    coefficients are those of cubic interpolation.
    """
    order = {"mode": "reflect", "output": np.float64}
    coefficients = spline_filter(mean, order=3, **order)
    return map_coordinates(coefficients, coordinates, order=2, prefilter=False, mode="reflect")

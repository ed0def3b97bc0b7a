"""How far particles stand out of their background, and where they do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import DEVIATION_PER_MEDIAN
from hyperspy_twin.segmentation.resampling import refine, resample, sample, working_shape
from hyperspy_twin.segmentation.smoothing import choose_smoothing, remove_lattice

# No benchmark varies these; tests/segmentation/test_particles.py checks what follows from them.
# Height over noise of a region, or a pixel, that stands out.
SIGNIFICANT = 5.0
# Height of a pixel that stands out, as a fraction of the typical height of the regions.
_FOOT = 0.1
# Distance from a region in smoothing lengths up to which the background holds its brightness.
_REACH = 2.5
# Fraction of the background that must lie farther, or else all of it counts.
_ENOUGH = 0.2
# Working pixels that resolve the half width of a particle.
_RESOLVED = 8.0
# Smallest working pixel, in pixels.
_SMALLEST_PIXEL = 0.25
# Least smoothing in pixels.
_MIN_SMOOTHING = 0.5
# The same in radii of the particles.
_MIN_SMOOTHING_OF_RADIUS = 0.1
# Noise that is let pass, as a fraction of the typical height.
_NOISE_LEFT = 0.03
# Pixels that are enough to fit the plane of the background.
_FIT_SAMPLE = 20_000
_FIT_ROUNDS = 5
# Deviations beyond which a pixel is no background.
_OUTLIER = 3


@dataclass(frozen=True)
class ParticleContrast:
    """Height of the particles above their background.

    Attributes
    ----------
    height : numpy.ndarray
        Smoothed brightness less that of the background, positive in particles also where they are
        dark, on a working grid over the same field; float32.
    fine : numpy.ndarray
        The same on the grid of the image.
    sharp : numpy.ndarray
        The same without smoothing where the image shows no lattice, else equal to ``fine``.
    blur : float
        Smoothing of ``sharp`` in pixels.
    noise : float
        Standard deviation of ``height`` in the background.
    level : float
        Height from which a pixel belongs to a particle.
    """

    height: np.ndarray
    fine: np.ndarray
    sharp: np.ndarray
    blur: float
    noise: float
    level: float


def measure_contrast(
    labels: np.ndarray, image: np.ndarray, background: int
) -> ParticleContrast | None:
    """Compare regions with the background, of which a plane is taken off.

    The image, float32, loses its lattice and is smoothed no more than noise or lattice ask for. Of
    the regions 0 is unassigned unless it is the background. None if no region stands out of the
    noise of the background.
    """
    flat = remove_lattice(image - image.mean())
    spectrum, period = flat.spectrum, flat.period
    smoothing = choose_smoothing(flat)
    found = _compare_regions(labels, spectrum, smoothing, background)
    if found is None:
        return None
    plane, sign, noise, typical = found
    radius = _typical_radius(labels, background)
    if period is None:
        of_noise = smoothing * noise / (_NOISE_LEFT * typical)
        enough = max(_MIN_SMOOTHING_OF_RADIUS * radius, of_noise, _MIN_SMOOTHING)
        if enough < smoothing:
            smoothing = enough
            finer = _compare_regions(labels, spectrum, smoothing, background)
            plane, sign, noise, typical = finer if finer is not None else found

    def height(shape: tuple[int, ...], blur: float) -> np.ndarray:
        lifted = resample(spectrum, shape, blur) - _evaluate(plane, shape)
        return (sign * lifted).astype(np.float32)

    fine = height(image.shape, smoothing)
    if radius < _RESOLVED:
        pixel = max(radius / _RESOLVED, _SMALLEST_PIXEL)
        working = refine(fine, tuple(int(np.ceil(n / pixel)) for n in image.shape))
    else:
        working = height(working_shape(image.shape, smoothing), smoothing)
    sharp, blur = (height(image.shape, 0.0), 0.0) if period is None else (fine, smoothing)
    level = max(SIGNIFICANT * noise, _FOOT * typical)
    return ParticleContrast(working, fine, sharp, blur, noise, level)


def _typical_radius(labels: np.ndarray, background: int) -> float:
    """Median half width of the regions in pixels."""
    inside = (labels != background) & (labels != 0)
    depth = ndimage.distance_transform_edt(inside)
    present = np.unique(labels[inside])
    return float(np.median(ndimage.maximum(depth, labels, present)))


def _compare_regions(
    labels: np.ndarray, spectrum: np.ndarray, smoothing: float, background: int
) -> tuple[np.ndarray, float, float, float] | None:
    """Plane of the background, sign of the particles, noise and typical height of the regions.

    None if no region stands out.
    """
    shape = working_shape(labels.shape, smoothing)
    step = float(np.sqrt(labels.size / (shape[0] * shape[1])))
    value, coarse = resample(spectrum, shape, smoothing), sample(labels, shape)
    behind = coarse == background
    if not behind.any():
        return None
    clear_of = ndimage.distance_transform_edt(behind) > _REACH * smoothing / step
    enough = clear_of.sum() > _ENOUGH * behind.sum()
    plane, noise = _fit_plane(value, clear_of if enough else behind)
    value = value - _evaluate(plane, shape)
    regions = np.setdiff1d(coarse, [background, 0])
    if not regions.size:
        return None
    heights = np.asarray(ndimage.median(value, coarse, regions))
    area = np.bincount(coarse.ravel())[regions]
    clear = np.abs(heights) > SIGNIFICANT * noise
    if not clear.any():
        return None
    sign = 1.0 if (heights * area)[clear].sum() >= 0 else -1.0
    higher = sign * heights[clear]
    return plane, sign, noise, float(np.median(higher[higher > 0]))


def _fit_plane(value: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, float]:
    """Plane through the chosen pixels, outliers left out, and the deviation from it."""
    row, column = np.nonzero(chosen)
    every = max(row.size // _FIT_SAMPLE, 1)
    row, column = row[::every], column[::every]
    level = value[row, column].astype(float)
    position = np.stack([np.ones(row.size), row / value.shape[0], column / value.shape[1]], axis=1)
    kept = np.ones(row.size, bool)
    for _ in range(_FIT_ROUNDS):
        plane = np.linalg.lstsq(position[kept], level[kept], rcond=None)[0]
        distance = np.abs(level - position @ plane)
        deviation = DEVIATION_PER_MEDIAN * float(np.median(distance[kept]))
        kept = distance <= max(_OUTLIER * deviation, float(np.quantile(distance, 0.5)))
    return plane, deviation


def _evaluate(plane: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    row, column = np.ogrid[: shape[0], : shape[1]]
    result = plane[0] + plane[1] * row / shape[0] + plane[2] * column / shape[1]
    return np.asarray(result, np.float32)

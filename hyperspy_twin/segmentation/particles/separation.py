"""Touching particles told apart."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import DEVIATION_PER_MEDIAN, Grid
from hyperspy_twin.segmentation.labels import adjacent_labels, fill_from_nearest, order_regions
from hyperspy_twin.segmentation.particles.contrast import ParticleContrast, measure_contrast
from hyperspy_twin.segmentation.particles.cuts import NECK, cut_at_levels, cut_particles
from hyperspy_twin.segmentation.particles.particle_outlines import move_outlines
from hyperspy_twin.segmentation.resampling import sample

# No benchmark varies these; tests/segmentation/test_particles.py checks what follows from them.
# Smoothing of the brightness inside a mask, in half widths of its parts.
_SMOOTHING = 0.1
# The same in pixels, at least.
_MIN_SMOOTHING = 0.7
# Equivalent diameter of the smallest particle in pixels.
_SMALLEST = 3.0
# Part of the frame that a background holds, as a fraction of the largest part that a region holds.
_ON_FRAME = 0.5


def find_background(labels: np.ndarray, image: np.ndarray | None = None) -> int:
    """Label of the region that lies behind the particles.

    Of the regions that hold most of the image's border (at least half as much as the first of
    them) it is the one that touches the largest number of other regions, then the darker one, where
    an image is given. 0 counts as a region if present.

    Raises
    ------
    ValueError
        If ``labels`` is not a two-dimensional array of integers from 0.
    """
    labels = _check_labels(labels)
    count = int(labels.max()) + 1
    frame = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    on_frame = np.bincount(frame, minlength=count) / frame.size
    touched = np.bincount(adjacent_labels(labels)[0].ravel(), minlength=count)
    candidates = np.flatnonzero(on_frame >= _ON_FRAME * on_frame.max())
    bright = np.zeros(candidates.size)
    if image is not None:
        bright = np.asarray(ndimage.mean(image, labels, candidates))
    return int(candidates[np.lexsort((bright, -touched[candidates]))[0]])


def separate_particles(
    labels: np.ndarray,
    image: np.ndarray,
    grid: Grid,
    *,
    background: int | None = None,
    neck: float = NECK,
    min_diameter: float | None = None,
) -> np.ndarray:
    """Outline particles, and cut those that touch or overlap.

    Regions tell how bright the background is, and particles. What rises clearly out of the
    background (or falls, where particles are dark) is particle, so that gaps that a region covers
    open and particles that are smaller than a region can be are found. Particles are cut where
    their outline has a narrow neck or their brightness a clear valley; borders between regions are
    not used, so that a particle of two grains stays one. The outline is placed where the thickness
    begins (`particle_outlines.move_outlines`): a region ends at
    half the brightness, which for a ball is at 0.87 of its radius.

    A mask keeps its outline and is only cut, and so are regions that do not stand out of the
    background.

    Parameters
    ----------
    labels : numpy.ndarray
        Regions, 0 where unassigned, or a boolean mask of the particles, shape (rows, columns).
    image : numpy.ndarray
        Brightness, same shape.
    grid : Grid
        Grid of both.
    background : int, optional
        Label of the background; by default as of ``find_background`` (for a mask: False).
    neck : float, optional
        Two particles are separated if the neck between them is below this fraction of the smaller
        of their widths.
    min_diameter : float, optional
        Particles of a smaller equivalent diameter (unit of the grid) become background. By
        default 3 pixels.

    Returns
    -------
    numpy.ndarray
        Particles 1..n, int32, ordered by the row of their centroid, then the column; 0 is the
        background.

    Raises
    ------
    ValueError
        If the arrays do not fit the grid, or a parameter is out of range.

    References
    ----------
    Najman & Schmitt, IEEE Trans. Pattern Anal. Mach. Intell. 18 (1996) 1163 (dynamics).
    """
    image = np.asarray(image, np.float32)
    is_mask = np.asarray(labels).dtype == bool
    labels = _check_labels(labels)
    if labels.shape != tuple(grid.shape) or image.shape != labels.shape:
        raise ValueError(
            f"labels {labels.shape} and image {image.shape} must have the shape of the grid "
            f"{tuple(grid.shape)}"
        )
    if not 0 < neck < 1:
        raise ValueError(f"neck must lie between 0 and 1, not {neck}")
    if min_diameter is not None and not 0 < min_diameter < np.inf:
        raise ValueError(f"min_diameter must be a positive number, not {min_diameter}")
    if background is None:
        background = 0 if is_mask else find_background(labels, image)
    pixel = grid.pixel_size
    contrast = None if is_mask else measure_contrast(labels, image, background)
    unassigned = (labels == 0) & (background != 0)
    if contrast is None:
        scale = (grid.scale[0] / pixel, grid.scale[1] / pixel)
        particles = _cut_mask((labels != background) & ~unassigned, image, neck=neck, scale=scale)
    else:
        particles = _outline(contrast, unassigned, neck)
    smallest = _SMALLEST if min_diameter is None else min_diameter / pixel
    area = np.bincount(particles.ravel())
    particles[(area < np.pi / 4 * smallest**2)[particles]] = 0
    return _order_particles(particles)


def _cut_mask(
    mask: np.ndarray, image: np.ndarray, *, neck: float, scale: tuple[float, float]
) -> np.ndarray:
    """Cut a mask, its brightness smoothed by a fraction of the width of its parts."""
    if not mask.any() or mask.all():
        return mask.astype(np.int32)
    parts, count = ndimage.label(mask)
    depth = ndimage.distance_transform_edt(mask, sampling=scale[::-1])
    widths = ndimage.maximum(depth, parts, np.arange(1, count + 1))
    smoothing = max(_SMOOTHING * float(np.median(widths)), _MIN_SMOOTHING)
    bright = ndimage.gaussian_filter(image, smoothing, truncate=2)
    dark = float(np.median(bright[~mask]))
    height = bright - dark
    noise = DEVIATION_PER_MEDIAN * float(np.median(np.abs(height[~mask])))
    sign = 1.0 if np.median(height[mask]) >= 0 else -1.0
    return cut_particles(mask, sign * height, noise, neck=neck, scale=scale)


def _outline(contrast: ParticleContrast, unassigned: np.ndarray, neck: float) -> np.ndarray:
    """Particles on the grid of the image, from their height above the background."""
    coarse = sample(unassigned, contrast.height.shape)
    height = np.where(coarse, np.minimum(contrast.height, 0), contrast.height)
    particles = cut_at_levels(height, contrast.level, contrast.noise, neck=neck)
    if not particles.any():
        return np.zeros(unassigned.shape, np.int32)
    owner = sample(fill_from_nearest(particles, particles > 0), unassigned.shape)
    inside = (contrast.fine > contrast.level) & ~unassigned
    moved = move_outlines(np.where(inside, owner, 0), contrast.sharp, contrast.blur)
    moved[unassigned] = 0
    return moved


def _check_labels(labels: np.ndarray) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.dtype == bool:
        labels = labels.astype(np.int32)
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise ValueError("labels must be a two-dimensional array of integers from 0, or a mask")
    return labels


def _order_particles(particles: np.ndarray) -> np.ndarray:
    """Particles 1..n by the centroid's row, then column; 0 stays."""
    ordered, behind = order_regions(particles), particles == 0
    if behind.any():
        ordered[ordered > ordered[behind][0]] -= 1
    return np.where(behind, 0, ordered)

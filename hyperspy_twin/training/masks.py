"""Random outlines: regions of interest, grains and edges of a specimen."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# Pixels along a side of a square as large as the region, at least.
SMALLEST_SIZE = 40
# The same for the regions of the category "small".
SMALLEST_OF_SMALL = 24


def coordinates(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows (rows, 1) and columns (1, columns) from -1 to 1 across an image."""
    rows, columns = (np.linspace(-1, 1, size, dtype=np.float32) for size in shape)
    return rows[:, None], columns[None, :]


def outline(shape: tuple[int, int], random: np.random.Generator, softness: float) -> np.ndarray:
    """Half plane, disc or island, 1 inside and 0 outside, float32 (rows, columns).

    Its edge is ``softness`` pixels wide.
    """
    level = (_half_plane, _disc, _island)[random.integers(3)](shape, random)
    return (0.5 + 0.5 * np.tanh(level / softness)).astype(np.float32)


def random_mask(shape: tuple[int, int], category: str, random: np.random.Generator) -> np.ndarray:
    """Region of interest, boolean (rows, columns), never empty.

    The category "small" gives discs and squares of 36 to 120 pixels across, "masked" strips,
    polygons, ellipses and islands, anything else the whole image.
    """
    if category not in ("small", "masked"):
        return np.ones(shape, bool)
    while True:
        if category == "small":
            mask = _small(shape, random)
        else:
            kind = random.integers(4)
            mask = (_strip, _polygon, _ellipse, _islands)[kind](shape, random)
        if mask.sum() > (SMALLEST_OF_SMALL if category == "small" else SMALLEST_SIZE) ** 2:
            return mask


def _pixels(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = (np.arange(size, dtype=np.float32) for size in shape)
    return rows[:, None], columns[None, :]


def _half_plane(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    y, x = _pixels(shape)
    angle = random.uniform(0, 2 * np.pi)
    centre = random.uniform(0.25, 0.75, 2) * shape
    return (y - centre[0]) * np.sin(angle) + (x - centre[1]) * np.cos(angle)


def _disc(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    y, x = _pixels(shape)
    centre = random.uniform(0.2, 0.8, 2) * shape
    radius = random.uniform(0.2, 0.6) * min(shape)
    return radius - np.hypot(y - centre[0], x - centre[1])


def _island(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Distance to the outline of smoothed noise, roughly."""
    wavelength = random.uniform(0.1, 0.3) * min(shape)
    coarse = [max(4, int(size / wavelength * 2)) for size in shape]
    noise = ndimage.zoom(random.normal(size=coarse), np.array(shape) / coarse, order=3)
    noise = noise[: shape[0], : shape[1]] - random.normal(scale=0.2)
    return noise * wavelength / 4


def _small(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    y, x = _pixels(shape)
    half = random.uniform(18.0, 60.0)
    centre = [random.uniform(min(half, n / 2), max(n - half, n / 2)) for n in shape]
    if random.random() < 0.6:
        return np.hypot(y - centre[0], x - centre[1]) <= half
    narrow = half * random.uniform(0.6, 1)
    return (np.abs(y - centre[0]) <= half) & (np.abs(x - centre[1]) <= narrow)


def _strip(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    return np.abs(_half_plane(shape, random)) <= random.uniform(15.0, 0.3 * min(shape))


def _ellipse(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    y, x = _pixels(shape)
    centre = random.uniform(0.3, 0.7, 2) * shape
    angle, ratio = random.uniform(0, np.pi), random.uniform(0.3, 1.0)
    along = (x - centre[1]) * np.cos(angle) + (y - centre[0]) * np.sin(angle)
    across = (y - centre[0]) * np.cos(angle) - (x - centre[1]) * np.sin(angle)
    return np.hypot(along, across / ratio) <= random.uniform(0.15, 0.5) * max(shape)


def _polygon(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Cut a convex polygon by three to six lines."""
    y, x = _pixels(shape)
    centre = random.uniform(0.35, 0.65, 2) * shape
    sides = int(random.integers(3, 7))
    angles = 2 * np.pi * (np.arange(sides) + random.uniform(-0.3, 0.3, sides)) / sides
    angles += random.uniform(0, 2 * np.pi)
    reach = random.uniform(0.15, 0.45) * min(shape)
    inside = np.ones(shape, bool)
    for angle in angles:
        inside &= (y - centre[0]) * np.sin(angle) + (x - centre[1]) * np.cos(angle) <= reach
    return inside


def _islands(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Keep the largest island."""
    labels, _ = ndimage.label(_island(shape, random) > 0)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax() if sizes.any() else np.zeros(shape, bool)

"""Random fields of an image: uneven brightness, thickness fringes, bending and scan jitter."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hyperspy_twin.training.masks import coordinates, outline

# Mean counts per pixel: lowest, highest, and highest of images with hardly any noise.
LOWEST_DOSE = 0.3
HIGHEST_DOSE = 3e3
NOISELESS = 1e9


def brightness(shape: tuple[int, int], random: np.random.Generator, simulated: bool) -> np.ndarray:
    """Mean counts of every pixel without lattices: level, gradient, fringes and edges."""
    y, x = coordinates(shape)
    level = np.ones(shape, np.float32)
    if random.random() < 0.5:
        slope = random.uniform(-0.4, 0.4, 2)
        level *= 1 + slope[0] * x + slope[1] * y
    if random.random() < 0.3:
        level *= fringes(shape, 0.4, random)
    if random.random() < 0.35:
        edge = outline(shape, random, softness=random.uniform(0.5, 4.0))
        level *= 1 - random.uniform(0.1, 0.9) * edge
    if random.random() < 0.3:
        patches = ndimage.gaussian_filter(random.normal(size=shape), random.uniform(3.0, 25.0))
        level *= np.exp(random.uniform(0.05, 0.3) * patches / patches.std())
    exposure = random.uniform(np.log(LOWEST_DOSE), np.log(HIGHEST_DOSE))
    if simulated and random.random() < 0.12:  # such images hardly have noise
        exposure = random.uniform(np.log(HIGHEST_DOSE), np.log(NOISELESS))
    return level * np.float32(np.exp(exposure))


def fringes(shape: tuple[int, int], depth: float, random: np.random.Generator) -> np.ndarray:
    """Thickness fringes: a bent wave of at most five periods, mean 1."""
    y, x = coordinates(shape)
    wave = random.uniform(-2.5, 2.5, 2)
    bend = random.uniform(-0.5, 0.5)
    phase = 2 * np.pi * (wave[0] * x + wave[1] * y + bend * x * y + random.random())
    return (1 + random.uniform(0.1, depth) * np.cos(phase)).astype(np.float32)


def bending(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Smooth displacement (x, y) in pixels whose gradient changes by a few thousandths."""
    if random.random() < 0.5:
        return np.zeros((2, *shape), np.float32)
    y, x = np.broadcast_arrays(*coordinates(shape))
    terms = np.stack([x * x, x * y, y * y, np.sin(np.pi * x), np.sin(np.pi * y)])
    strength = 2 * np.exp(random.uniform(np.log(0.02), np.log(1.5)))
    weights = random.normal(scale=strength / 4, size=(2, len(terms)))
    return np.tensordot(weights, terms, axes=1).astype(np.float32)


def jitter(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Displacement (x, y) of every row in pixels, shape (2, rows, 1)."""
    steps = random.normal(size=(2, shape[0]))
    kind = random.random()
    if kind < 0.3:  # the beam swings from line to line
        steps = ndimage.gaussian_filter1d(steps, random.uniform(0.7, 3.0))
    elif kind < 0.6:  # it wanders
        steps = np.cumsum(steps, axis=1)
        steps = steps - ndimage.gaussian_filter1d(steps, random.uniform(3.0, 40.0))
    steps /= steps.std()
    if random.random() < 0.3:  # the mains shake it
        time = np.arange(shape[0])
        for frequency in random.uniform(0.01, 0.5, int(random.integers(1, 4))):
            wave = np.sin(2 * np.pi * (frequency * time + random.random()))
            steps += random.uniform(0.3, 1.5) * wave
    strength = random.uniform(0.1, 0.8) * np.array([1.0, random.uniform(0, 0.7)])
    return (strength[:, None] * steps)[..., None]

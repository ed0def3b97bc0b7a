"""Micrographs of known regions for the segmentation benchmark.

Sixty phantoms in ten families and eight samples of `hyperspy_twin.data`, from frozen seeds. Half
of each family is for tuning, the other half for testing: both are drawn from the same
distributions with other seeds. Phantoms cross shape (square or not), size, lattice (atomic columns
far stronger than the steps between regions) or none, polarity, uneven illumination, width of the
interfaces and counting and readout noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.special import erf, i0

import hyperspy_twin as ht

SEEDS = {"tuning": 20240611, "test": 20261121}
HALVES = tuple(SEEDS)
PER_HALF = 3
SHAPES = ((512, 512), (224, 1312), (640, 448), (1024, 1024), (300, 420), (256, 256))
DOSES = (400.0, 60.0, 20.0)


@dataclass(frozen=True)
class Scene:
    """One image and its true regions (1..n, int32, shape of the image)."""

    name: str
    family: str
    half: str
    image: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True)
class Conditions:
    """What a phantom is imaged with."""

    rng: np.random.Generator
    shape: tuple[int, int]
    lattice: bool
    dose: float

    @property
    def size(self) -> int:
        """Shorter side in pixels."""
        return min(self.shape)

    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of each pixel as float arrays that broadcast."""
        rows, columns = np.ogrid[: self.shape[0], : self.shape[1]]
        return rows.astype(float), columns.astype(float)


@dataclass(frozen=True)
class Phantom:
    """Noise-free description: share of each region in each pixel, its brightness and texture."""

    truth: np.ndarray
    mean: np.ndarray
    texture: np.ndarray


def crystal(at: Conditions, angle: float, period: float, strength: float) -> np.ndarray:
    """Atomic columns of mean 1 on a rectangular lattice."""
    row, column = at.pixels()
    ratio = at.rng.uniform(1.0, 1.4)
    first = (np.cos(angle) * column + np.sin(angle) * row) / period
    second = (np.cos(angle) * row - np.sin(angle) * column) / (ratio * period)
    start = at.rng.uniform(size=2)
    waves = np.cos(2 * np.pi * (first + start[0])) + np.cos(2 * np.pi * (second + start[1]))
    return np.exp(strength * waves) / i0(strength) ** 2


def amorphous(at: Conditions, period: float, strength: float) -> np.ndarray:
    """Speckle of mean 1 with the grain size of the lattice."""
    speckle = ndimage.gaussian_filter(at.rng.normal(size=at.shape), period / 5)
    speckle -= ndimage.gaussian_filter(speckle, period / 2)
    return np.exp(strength * speckle / speckle.std() - strength**2 / 2)


def textures(at: Conditions, labels: np.ndarray, empty: tuple[int, ...] = ()) -> np.ndarray:
    """Epitaxial lattices, equal within a few per cent, in all regions but the empty ones."""
    texture = np.ones(at.shape)
    if not at.lattice:
        return texture
    angle, period = at.rng.uniform(0, np.pi), at.rng.uniform(6, 14)
    strength = at.rng.uniform(0.3, 1.0)
    for label in np.unique(labels):
        if label not in empty:
            lattice = crystal(at, angle, period * at.rng.uniform(0.96, 1.04), strength)
            texture = np.where(labels == label, lattice, texture)
    return texture


def steps(at: Conditions, count: int, smallest: float, largest: float) -> np.ndarray:
    """Brightness of consecutive regions: neighbours differ by a share between two limits."""
    level = [1.0]
    for _ in range(count - 1):
        change = at.rng.uniform(smallest, largest)
        up = at.rng.random() < (0.5 if 0.6 < level[-1] < 1.7 else float(level[-1] <= 0.6))
        level.append(level[-1] * (1 + change) if up else level[-1] / (1 + change))
    return np.array(level)


def depth(at: Conditions, tilt: float) -> np.ndarray:
    """Distance along the growth direction, 0..1 over the image."""
    row, column = at.pixels()
    angle = at.rng.uniform(-tilt, tilt)
    along = np.cos(angle) * (row - at.shape[0] / 2) + np.sin(angle) * (column - at.shape[1] / 2)
    return along + at.shape[0] / 2


def stack(at: Conditions, edges: np.ndarray, level: np.ndarray, blur: np.ndarray) -> Phantom:
    """Layers with an error-function profile of its own width at each interface."""
    along = depth(at, 0.25)
    labels = np.digitize(along, edges) + 1
    mean = np.full(at.shape, level[0])
    for edge, width, change in zip(edges, blur, np.diff(level), strict=True):
        mean += change * (1 + erf((along - edge) / (np.sqrt(2) * max(width, 0.3)))) / 2
    return Phantom(labels, mean, textures(at, labels))


def layers(at: Conditions) -> Phantom:
    """Two to seven layers."""
    count = int(at.rng.integers(2, 8))
    thickness = at.rng.uniform(1, 3, count)
    edges = np.cumsum(thickness)[:-1] / thickness.sum() * at.shape[0]
    blur = at.rng.uniform(0.3, 4, count - 1)
    return stack(at, edges, steps(at, count, 0.12, 0.6), blur)


def well(at: Conditions) -> Phantom:
    """Bury a quantum well."""
    top = at.rng.uniform(0.3, 0.6) * at.shape[0]
    thickness = at.rng.uniform(0.08, 0.25) * at.shape[0]
    contrast = at.rng.uniform(0.1, 0.35)
    level = np.array([1, 1 + contrast, at.rng.choice([1.0, 1.05])])
    return stack(at, np.array([top, top + thickness]), level, at.rng.uniform(0.5, 5, 2))


def thin(at: Conditions) -> Phantom:
    """One to three layers of 8 to 16 pixels."""
    count = int(at.rng.integers(1, 4))
    centres = (np.arange(count) + at.rng.uniform(0.3, 0.7, count)) / count * at.shape[0]
    half = at.rng.uniform(4, 8, count)
    edges = np.column_stack([centres - half, centres + half]).ravel()
    level = np.ones(2 * count + 1)
    level[1::2] = at.rng.uniform(1.15, 1.4, count)
    return stack(at, edges, level, np.full(2 * count, 0.8))


def blurred(at: Conditions) -> Phantom:
    """Interfaces up to 40 pixels wide beside a sharp and strong one."""
    widest = min(40.0, at.shape[0] / 14)
    edges = np.array([0.12, 0.45, 0.78]) * at.shape[0]
    blur = np.array([0.7, at.rng.uniform(0.3, 1) * widest, at.rng.uniform(0.3, 1) * widest])
    contrast = at.rng.uniform(0.12, 0.35, 2)
    level = np.array([0.3, 1, 1 + contrast[0], (1 + contrast[0]) * (1 - contrast[1])])
    chosen = at.rng.random() < 0.5
    return stack(at, edges[chosen:], level[chosen:], blur[chosen:])


def polygon(at: Conditions, centre: tuple[float, float], radius: float, corners: int) -> np.ndarray:
    """Distance from the centre in units of a regular polygon's inner radius."""
    row, column = at.pixels()
    y, x = row - centre[0], column - centre[1]
    turns = np.arange(corners) * 2 * np.pi / corners + np.pi / 2
    return np.max([np.cos(t) * x + np.sin(t) * y for t in turns], axis=0) / radius


def soften(labels: np.ndarray, level: np.ndarray, blur: float) -> np.ndarray:
    """Brightness of regions with one interface width."""
    return ndimage.gaussian_filter(level[labels - 1], blur, mode="nearest")


def nanowire(at: Conditions) -> Phantom:
    """Cross-section of a faceted wire with a shell on a substrate, in vacuum or resist."""
    row, _ = at.pixels()
    radius = at.rng.uniform(0.2, 0.28) * at.size
    centre = (0.48 * at.shape[0], at.rng.uniform(0.4, 0.6) * at.shape[1])
    inside = polygon(at, centre, radius, int(at.rng.choice([3, 4, 6])))
    surface = centre[0] + 0.8 * radius
    labels = np.where(np.broadcast_to(row > surface, at.shape), 2, 1)
    labels = np.where((inside < 1.3) & (row <= surface), 3, labels)
    labels = np.where((inside < 1.0) & (row <= surface), 4, labels)
    level = np.array([at.rng.uniform(0.15, 0.4), 1, at.rng.uniform(0.6, 0.8), 1.3])
    mean = soften(labels, level, at.rng.uniform(0.6, 2.5))
    return Phantom(labels, mean, textures(at, labels, (1,)))


def spheres(at: Conditions, centres: list[tuple[float, float, float]]) -> Phantom:
    """Flattened particles on a film; the nearest centre in units of the radius owns a pixel."""
    row, column = at.pixels()
    labels = np.ones(at.shape, int)
    nearest = np.ones(at.shape)
    thickness = np.zeros(at.shape)
    for number, (y, x, radius) in enumerate(centres):
        distance = np.hypot(row - y, column - x) / radius
        own = distance < nearest
        labels[own], nearest[own] = number + 2, distance[own]
        thickness = np.maximum(thickness, np.sqrt(np.maximum(1 - distance**2, 0)))
    mean = 1 + at.rng.uniform(0.8, 3) * ndimage.gaussian_filter(thickness, 0.8)
    texture = np.ones(at.shape)
    if at.lattice:
        period = at.rng.uniform(6, 12)
        for label in range(2, labels.max() + 1):
            lattice = crystal(at, at.rng.uniform(0, np.pi), period, 0.5)
            texture = np.where(labels == label, lattice, texture)
    return Phantom(labels, mean, texture)


def particles(at: Conditions) -> Phantom:
    """Separate particles on a film."""
    largest = at.size / 8
    centres: list[tuple[float, float, float]] = []
    for _ in range(60):
        radius = at.rng.uniform(0.35, 1) * largest
        y, x = (at.rng.uniform(radius + 4, n - radius - 4) for n in at.shape)
        if all(np.hypot(y - b, x - a) > radius + r + 8 for b, a, r in centres):
            centres.append((y, x, radius))
    return spheres(at, centres[:20])


def touching(at: Conditions) -> Phantom:
    """Particles that touch in pairs and threes."""
    radius = at.size / 9
    centres: list[tuple[float, float, float]] = []
    for x in np.arange(2.5 * radius, at.shape[1] - 2 * radius, 5 * radius):
        for y in np.arange(2.0 * radius, at.shape[0] - 4 * radius, 5 * radius):
            sizes = radius * at.rng.uniform(0.6, 1, int(at.rng.integers(2, 4)))
            group = [(y + at.rng.uniform(-0.2, 0.2) * radius, x, sizes[0])]
            for last, own in zip(sizes[:-1], sizes[1:], strict=True):
                angle, reach = at.rng.uniform(0.6, 2.2), 0.95 * (own + last)
                row, column, _ = group[-1]
                group.append((row + np.sin(angle) * reach, column + np.cos(angle) * reach, own))
            centres += group
    return spheres(at, centres)


def grains(at: Conditions) -> Phantom:
    """Grains of one crystal and one brightness, turned against each other."""
    count = int(at.rng.integers(2, 5))
    seeds = np.column_stack([at.rng.uniform(0, n, 40 * count) for n in at.shape])
    apart = seeds[:1]
    for seed in seeds[1:]:
        least = 0.6 * np.sqrt(at.shape[0] * at.shape[1] / count)
        if len(apart) < count and np.hypot(*(apart - seed).T).min() > least:
            apart = np.vstack([apart, seed])
    row, column = at.pixels()
    labels = np.argmin([np.hypot(row - y, column - x) for y, x in apart], axis=0) + 1
    period, strength = at.rng.uniform(6, 12), at.rng.uniform(0.3, 0.8)
    turn, texture = at.rng.uniform(0, np.pi / 2), np.ones(at.shape)
    for label in range(1, len(apart) + 1):
        turn += at.rng.uniform(0.2, 0.6)
        texture = np.where(labels == label, crystal(at, turn, period, strength), texture)
    return Phantom(labels, np.ones(at.shape), texture)


def glass(at: Conditions) -> Phantom:
    """Amorphous beside crystal, equally bright: a wavy front or a grain in a matrix."""
    row, column = at.pixels()
    if at.rng.random() < 0.5:
        wave = 0.04 * at.size * np.sin(2 * np.pi * column / at.size + at.rng.uniform(0, 6))
        labels = (row + wave > at.rng.uniform(0.35, 0.65) * at.shape[0]) + 1
    else:
        centre = (at.rng.uniform(0.45, 0.55) * n for n in at.shape)
        y, x = centre
        labels = (np.hypot(row - y, column - x) < at.rng.uniform(0.25, 0.35) * at.size) + 1
    period, strength = at.rng.uniform(6, 12), at.rng.uniform(0.3, 0.8)
    lattice = crystal(at, at.rng.uniform(0, np.pi), period, strength)
    texture = np.where(labels == 2, lattice, amorphous(at, period, 0.6 * strength))
    return Phantom(labels, np.ones(at.shape), texture)


def ring(at: Conditions) -> Phantom:
    """Draw a ring with a hole, or the same twice in the long direction."""
    row, column = at.pixels()
    labels = np.ones(at.shape, int)
    outer, inner = at.rng.uniform(0.3, 0.42) * at.size, at.rng.uniform(0.4, 0.75)
    for number in range(2 if at.shape[1] > 1.8 * at.shape[0] else 1):
        x = at.shape[1] * (0.5 if at.shape[1] < 1.8 * at.shape[0] else 0.27 + 0.45 * number)
        distance = np.hypot(row - 0.5 * at.shape[0], column - x) / outer
        labels[distance < 1] = 2 + 2 * number
        labels[distance < inner] = 3 + 2 * number
    level = np.array([1, at.rng.uniform(1.3, 2), at.rng.uniform(0.9, 1.1)])
    level = level[[0, 1, 2, 1, 2]]
    mean = soften(labels, level, at.rng.uniform(0.5, 3))
    return Phantom(labels, mean, textures(at, labels, (1, 3, 5)))


FAMILIES: dict[str, Callable[[Conditions], Phantom]] = {
    recipe.__name__: recipe
    for recipe in (
        layers, well, thin, blurred, nanowire, particles, touching, ring, grains, glass
    )
}  # fmt: skip
SAMPLES = ("sige_quantum_well", "nanoparticles", "amorphous_on_crystal", "mismatched_nanowire")


def expose(at: Conditions, phantom: Phantom, dark: bool) -> np.ndarray:
    """Image with uneven illumination, counting noise and readout noise."""
    row, column = at.pixels()
    signal = phantom.mean * phantom.texture
    if dark:
        signal = np.maximum(phantom.mean.max() + phantom.mean.min() - phantom.mean, 0.05)
        signal = signal * np.maximum(2 - phantom.texture, 0)
    slope = at.rng.uniform(-0.15, 0.15, 2)
    shade = 1 + slope[0] * (row / at.shape[0] - 0.5) + slope[1] * (column / at.shape[1] - 0.5)
    counts = at.rng.poisson(at.dose * signal * shade)
    return (counts + at.rng.normal(0, 0.05 * at.dose, at.shape)).astype(np.float32)


def separate(labels: np.ndarray) -> np.ndarray:
    """Labels 1..n of the connected parts; the same material in two places is two regions."""
    parts = np.zeros(labels.shape, np.int32)
    for label in np.unique(labels):
        found, count = ndimage.label(labels == label)
        parts[labels == label] = found[labels == label] + parts.max()
    return parts


def phantom_scene(family: str, half: str, index: int) -> Scene:
    """One phantom; the index sets shape, lattice and dose, the seed all the rest."""
    place = list(FAMILIES).index(family)
    rng = np.random.default_rng([SEEDS[half], HALVES.index(half), place, index])
    turn = place + index + 3 * HALVES.index(half)
    lattice = family in ("grains", "glass") or (turn % 2 == 0)
    at = Conditions(rng, SHAPES[turn % len(SHAPES)], lattice, DOSES[(index + place) % 3])
    phantom = FAMILIES[family](at)
    image = expose(at, phantom, dark=bool(rng.random() < 0.4))
    name = f"{family}-{half}-{index}"
    return Scene(name, family, half, image, separate(phantom.truth))


def sample_scene(sample: str, half: str) -> Scene:
    """One of the atomistic samples of the package."""
    signal = getattr(ht.data, sample)(seed=SEEDS[half])
    image = np.asarray(signal.data, np.float32)
    return Scene(f"{sample}-{half}", "samples", half, image, separate(signal.truth.labels))


def scenes(halves: tuple[str, ...] = HALVES) -> Iterator[Scene]:
    """All scenes of the given halves, made one at a time."""
    for half in halves:
        for family in FAMILIES:
            for index in range(PER_HALF):
                yield phantom_scene(family, half, index)
        for sample in SAMPLES:
            yield sample_scene(sample, half)

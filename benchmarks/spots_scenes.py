"""Micrographs of known lattices for the benchmark of spot finding, from frozen seeds.

Lattices are the reflections of projected cells, weighed as a high-angle detector or a microscope's
phase contrast does; `spots_images` makes images of them. Both sets are drawn from the same
distributions with other seeds; nothing here is shared with the images that networks train on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
from scipy import fft, ndimage, spatial
from spots_images import Lattice, Plan, Scene, expose, waves

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.crystals import catalogue, distinct_zone_axes, zone_lattice
from hyperspy_twin.training.lattices import MATERIALS

SEEDS = {"tuning": 20261127, "test": 774192}
PER_CATEGORY = {"tuning": 24, "test": 80}
STRONGEST, G_MAX = 120, 22.0  # waves of a lattice; 1/nm
SHAPES = ((256, 256), (512, 512), (384, 256), (300, 420), (512, 384), (256, 256), (128, 128))
SHAPES += ((512, 512), (1024, 1024), (200, 700), (448, 448), (192, 192), (512, 512), (333, 257))


@cache
def projected(material: str, zone: tuple[int, ...], power: float) -> tuple[np.ndarray, np.ndarray]:
    """Reflections of a zone, (n, 2) in 1/nm, and their factors with columns weighing Z**power."""
    from ase.data import atomic_numbers

    crystal = catalogue.get(material)
    plane = zone_lattice(crystal, zone)
    index = np.mgrid[-16:17, -16:17].reshape(2, -1).T
    index = index[(index[:, 0] > 0) | ((index[:, 0] == 0) & (index[:, 1] > 0))]
    vector = 10 * index @ plane @ np.linalg.inv(crystal.base).T
    along = np.asarray(zone) @ crystal.base
    first = 10 * plane[0] @ np.linalg.inv(crystal.base).T
    axes = np.array([first, np.cross(along, first)])
    g = vector @ (axes / np.linalg.norm(axes, axis=1)[:, None]).T
    near = np.hypot(*g.T) < G_MAX
    weight = np.array([atomic_numbers[symbol] for symbol in crystal.symbols]) ** power
    phase = np.exp(-2j * np.pi * (index[near] @ plane) @ np.array(crystal.fractional).T)
    factor = phase @ weight / weight.sum() * np.exp(-0.5 * (0.05 * np.hypot(*g[near].T)) ** 2)
    return g[near], factor


@cache
def zones(material: str) -> tuple[tuple[int, ...], ...]:
    """Simplest zone axes of a material."""
    return distinct_zone_axes(catalogue.get(material), 2)[:5]


def transfer(rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """Phase contrast of a random microscope as a function of g in 1/nm."""
    wavelength = rng.choice([0.00251, 0.00197])
    spherical, defocus = rng.choice([0.0, 0.5e6, 1.2e6]), -rng.uniform(10, 90)
    limit = rng.uniform(5, 14)

    def contrast(g: np.ndarray) -> np.ndarray:
        aberration = np.pi * wavelength * g**2 * (defocus + spherical * wavelength**2 * g**2 / 2)
        return np.sin(aberration) * np.exp(-((g / limit) ** 2)) / (1 + (g / 5) ** 2)

    return contrast


def crystal(
    rng: np.random.Generator, grid: Grid | None, shape: tuple[int, int], periods: tuple = (3.5, 16)
) -> tuple[Lattice, Grid]:
    """One crystal in a zone, turned at random; it sets the pixel size where there is none yet."""
    material = str(rng.choice(MATERIALS))
    zone = zones(material)[int(rng.integers(len(zones(material))))]
    if rng.random() < 0.5:
        g, factor = projected(material, zone, 1.7)
        factor = factor * np.exp(-2 * (np.pi * rng.uniform(0.02, 0.05) * np.hypot(*g.T)) ** 2)
    else:
        g, factor = projected(material, zone, 0.8)
        factor = factor * transfer(rng)(np.hypot(*g.T))
    best = np.argsort(-np.abs(factor))[:STRONGEST]
    best = best[np.abs(factor[best]) > 1e-4 * np.abs(factor[best[0]])]
    g, factor = g[best], factor[best]
    if grid is None:
        longest = min(periods[1], min(shape) / 9)
        period = np.exp(rng.uniform(np.log(periods[0]), np.log(max(longest, periods[0]))))
        grid = Grid(shape, (1 / (np.hypot(*g[0]) * period),) * 2)
    contrast = np.exp(rng.uniform(np.log(0.015), np.log(0.5)))
    amplitude = factor * contrast / np.sqrt(2 * (np.abs(factor) ** 2).sum())
    return turned(Lattice(g, amplitude), rng.uniform(0, 2 * np.pi), grid), grid


def turned(lattice: Lattice, angle: float, grid: Grid) -> Lattice:
    """Turn a lattice; waves beyond the pixel's resolution are lost."""
    c, s = np.cos(angle), np.sin(angle)
    return resolved(replace(lattice, g=lattice.g @ np.array([[c, s], [-s, c]])), grid)


def resolved(lattice: Lattice, grid: Grid) -> Lattice:
    """Drop the waves that the pixels cannot show."""
    kept = (np.abs(lattice.g) * grid.scale).max(axis=1) < 0.49
    return replace(lattice, g=lattice.g[kept], amplitude=lattice.amplitude[kept])


def scaled_response(
    rng: np.random.Generator, grid: Grid, rms: float
) -> Callable[[np.ndarray], np.ndarray]:
    """Response of amorphous matter, with or without the rings of phase contrast."""
    halo, width = rng.uniform(1.5, 4.5), rng.uniform(0.8, 2.5)
    rings = transfer(rng) if rng.random() < 0.5 else lambda g: np.ones_like(g)

    def raw(g: np.ndarray) -> np.ndarray:
        return rings(g) * (np.exp(-(((g - halo) / width) ** 2)) + 0.3 / (1 + (g / 4) ** 2))

    gx, gy = fft.fftfreq(128, grid.scale[0]), fft.fftfreq(128, grid.scale[1])
    scale = rms / np.sqrt(np.mean(raw(np.hypot(gx[None, :], gy[:, None])) ** 2))
    return lambda g: scale * raw(g)


def voronoi(rng: np.random.Generator, shape: tuple[int, int], count: int) -> np.ndarray:
    """Labels 0..count-1 of grains, none of two or three smaller than a fifth of the image."""
    step = 2
    pixels = np.stack(np.mgrid[: shape[0] : step, : shape[1] : step], axis=-1)
    while True:
        seeds = rng.uniform(size=(count, 2)) * shape
        labels = spatial.cKDTree(seeds).query(pixels)[1]
        if count > 3 or np.bincount(labels.ravel(), minlength=count).min() > 0.2 * labels.size:
            break
    return labels.repeat(step, 0).repeat(step, 1)[: shape[0], : shape[1]]


def share(inside: np.ndarray) -> np.ndarray:
    """Share of each pixel that lies inside an outline."""
    return ndimage.gaussian_filter(inside.astype(np.float32), 0.7)


def exposure(rng: np.random.Generator) -> dict[str, float]:
    """Draw counts per pixel and readout noise."""
    dose = float(np.exp(rng.uniform(np.log(2), np.log(2000))))
    return {"dose": dose, "readout": float(rng.choice([0, 0, 0.5])) * np.sqrt(dose)}


def single(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """One crystal everywhere."""
    lattice, grid = crystal(rng, None, shape)
    return Plan(grid, [lattice], "single crystal", **exposure(rng))


def tilted(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """Tilt a crystal up to 3 degrees off its zone: columns smear along the tilt."""
    plan = single(rng, shape)
    tilt, way = np.tan(np.deg2rad(rng.uniform(0.3, 3))), rng.uniform(0, 2 * np.pi)
    length = rng.uniform(3, 20) * tilt
    lattice = plan.lattices[0]
    smear = np.sinc(length * lattice.g @ [np.cos(way), np.sin(way)])
    return replace(plan, lattices=[replace(lattice, amplitude=lattice.amplitude * smear)])


def thickness(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """Add a wedge, or thickness fringes that modulate mean and lattice alike."""
    plan = single(rng, shape)
    grid, lattice = plan.grid, plan.lattices[0]
    x, y = grid.x[None, :] / grid.extent[0], grid.y[:, None] / grid.extent[1]
    base = 1 + rng.uniform(-0.4, 0.4) * (x - 0.5) + rng.uniform(-0.4, 0.4) * (y - 0.5)
    strength = rng.uniform(0.05, 0.4) * (rng.random() < 0.6)
    q = rng.uniform(-3.5, 3.5, 2) / grid.extent
    base = base * (1 + strength * np.cos(2 * np.pi * (q[0] * grid.x + q[1] * grid.y[:, None])))
    sides = Lattice(
        np.concatenate([lattice.g + q, lattice.g - q]),
        np.tile(lattice.amplitude, 2) * strength / 2,
        satellite=True,
    )
    return replace(plan, lattices=[lattice, sides], base=base.astype(np.float32))


def scanned(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """Linear drift shears the lattice, slow drift bends it, rows jump and differ in brightness."""
    plan = single(rng, shape)
    shear = np.eye(2) + rng.uniform(-0.04, 0.04, (2, 2)) * [[0, 1], [0, 1]]
    lattice = replace(plan.lattices[0], g=plan.lattices[0].g @ shear)
    return replace(
        plan,
        lattices=[resolved(lattice, plan.grid)],
        jitter=rng.uniform(0.02, 0.5),
        bow=rng.uniform(0, 1.2) * (rng.random() < 0.5),
        row_noise=rng.uniform(0.002, 0.03) * (rng.random() < 0.5),
    )


def layered(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """Put amorphous matter on a crystal."""
    plan = single(rng, shape)
    return replace(plan, speckle=(scaled_response(rng, plan.grid, rng.uniform(0.02, 0.2)), 1.0))


def grains(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """Two or three grains of any materials side by side."""
    count = int(rng.integers(2, 4))
    labels, grid, lattices = voronoi(rng, shape, count), None, []
    for label in range(count):
        lattice, grid = crystal(rng, grid, shape, (3.5, 10))
        lattices.append(replace(lattice, weight=share(labels == label)))
    return Plan(grid, lattices, "several crystals", **exposure(rng))


def close(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """Two lattices 2 per cent apart, in all directions or one, on one another or side by side."""
    shape = (1024, 1024) if min(shape) >= 512 else (768, 1024) if shape[0] > 256 else (512, 512)
    lattice, grid = crystal(rng, None, shape, (3.5, 5.5))
    factor = np.array([1.02, 1.02 if rng.random() < 0.6 else 1.0])
    weight = 0.5
    if rng.random() < 0.5:
        weight = share(voronoi(rng, shape, 2) == 0)
    second = replace(lattice, g=lattice.g / factor, weight=1 - weight)
    lattices = [replace(lattice, weight=weight), resolved(second, grid)]
    return Plan(grid, lattices, "several crystals", **exposure(rng))


def powder(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """Many small grains of one material, turned at random."""
    shape = tuple(max(size, 256) for size in shape)
    lattice, grid = crystal(rng, None, shape, (3.5, 5))
    strong = replace(lattice, g=lattice.g[:12], amplitude=lattice.amplitude[:12])
    count = int(rng.integers(60, 200))
    labels = voronoi(rng, shape, count)
    texture = np.zeros(shape, np.float32)
    for label, box in enumerate(ndimage.find_objects(labels + 1)):
        if box is not None:
            rows, columns = box
            offset = (columns.start * grid.scale[0], rows.start * grid.scale[1])
            part = Grid(labels[box].shape, grid.scale, offset)
            own = turned(strong, rng.uniform(0, 2 * np.pi), grid)
            texture[box] += (labels[box] == label) * waves(own, part, np.zeros((part.shape[0], 2)))
    return Plan(grid, [], "powder", texture=texture, **exposure(rng))


def fringes(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """One systematic row of reflections."""
    plan = single(rng, shape)
    g = plan.lattices[0].g
    along = np.abs(g[0, 0] * g[:, 1] - g[0, 1] * g[:, 0]) < 1e-6 * np.hypot(*g.T) * np.hypot(*g[0])
    row = replace(plan.lattices[0], g=g[along], amplitude=plan.lattices[0].amplitude[along])
    return replace(plan, lattices=[row], state="fringes")


def cut(rng: np.random.Generator, shape: tuple[int, int], inside: np.ndarray) -> Plan:
    """Put a region of one crystal in brighter surroundings: a crystal or amorphous matter."""
    lattice, grid = crystal(rng, None, shape, (3.5, 8))
    weight = share(inside)
    lattices, speckle = [replace(lattice, weight=weight)], None
    if rng.random() < 0.6:
        lattices.append(replace(crystal(rng, grid, shape)[0], weight=1 - weight))
    else:
        speckle = (scaled_response(rng, grid, rng.uniform(0.05, 0.2)), 1 - weight)
    base = weight + (1 - weight) * np.float32(rng.uniform(1, 3))
    return Plan(
        grid, lattices, "single crystal", base=base, mask=inside, speckle=speckle, **exposure(rng)
    )


def strip(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """Cut an oblique strip."""
    shape = tuple(max(size, 256) for size in shape)
    y, x = np.ogrid[: shape[0], : shape[1]]
    angle, half = rng.uniform(0, np.pi), rng.uniform(20, 80)
    across = np.cos(angle) * (x - shape[1] / 2) + np.sin(angle) * (y - shape[0] / 2)
    return cut(rng, shape, np.abs(across) < half)


def disc(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """Cut a disc of 40 to 150 pixels radius."""
    shape = tuple(max(size, 192) for size in shape)
    radius = min(rng.uniform(40, 150), 0.46 * min(shape))
    y, x = np.ogrid[: shape[0], : shape[1]]
    middle = [rng.uniform(radius, size - radius) for size in shape]
    return cut(rng, shape, np.hypot(y - middle[0], x - middle[1]) < radius)


def amorphous(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """Speckle, with and without the rings of a transfer function."""
    grid = Grid(shape, (float(np.exp(rng.uniform(np.log(0.015), np.log(0.06)))),) * 2)
    speckle = (scaled_response(rng, grid, rng.uniform(0.02, 0.25)), 1.0)
    return Plan(grid, [], "no lattice seen", speckle=speckle, **exposure(rng))


def noise(rng: np.random.Generator, shape: tuple[int, int]) -> Plan:
    """No matter at all: white, blurred by the detector, or with brightness of its own per row."""
    grid = Grid(shape, (float(np.exp(rng.uniform(np.log(0.015), np.log(0.06)))),) * 2)
    kind = int(rng.integers(4))
    blur = rng.uniform(0.4, 1.3) * (kind in (1, 3))
    lines = rng.uniform(0.005, 0.1) * (kind in (2, 3))
    slope = 1 + rng.uniform(-0.3, 0.3) * np.linspace(-1, 1, shape[1])[None, :]
    return Plan(
        grid,
        [],
        "no lattice seen",
        base=np.float32(slope),
        blur=blur,
        row_noise=lines,
        **exposure(rng),
    )


CATEGORIES: dict[str, Callable[[np.random.Generator, tuple[int, int]], Plan]] = {
    recipe.__name__: recipe
    for recipe in (
        single, tilted, thickness, scanned, layered, grains, close, strip, disc, fringes, powder,
        amorphous, noise,
    )
}  # fmt: skip


def names(which: str, every: int = 1) -> list[tuple[str, str, int]]:
    """List what :func:`scene` takes, for every n-th scene of each category of a set."""
    indices = range(0, PER_CATEGORY[which], every)
    return [(which, category, index) for category in CATEGORIES for index in indices]


def scene(which: str, category: str, index: int) -> Scene:
    """One scene of a set."""
    place = list(CATEGORIES).index(category)
    rng = np.random.default_rng([SEEDS[which], place, index])
    shape = (2048, 2048) if index == 13 else SHAPES[(index + 5 * place) % len(SHAPES)]
    plan = CATEGORIES[category](rng, shape)
    return expose(plan, rng, f"{category}-{which}-{index}", category)

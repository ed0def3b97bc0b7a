"""Second tier of the spot benchmark: multislice images by abTEM, made once and cached.

Run: python benchmarks/spots_multislice.py fills the cache (benchmarks/.cache, or the folder that
SPOTS_CACHE names) in a few minutes; `spots.py --tier multislice` makes what is missing.

Phase-contrast images and an annular dark-field scan of crystal cells hold all dynamical
reflections. They are periodic, so that their Fourier coefficients draw the same image at any
rotation, size and pixel; noise and truth come as in the first tier. In whole films the crystal
lies under amorphous carbon and the image is used as abTEM makes it: places of spots follow from the
cell, their strength and the power of the speckle around them from the noise-free image.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import spots_scenes
from scipy import ndimage
from spots_images import (
    WEAKEST,
    Lattice,
    Plan,
    Scene,
    Truth,
    expose,
    moments,
    settled,
    transform_at,
)

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.crystals import catalogue
from hyperspy_twin.spectra.transform import windowed_region

CACHE = Path(os.environ.get("SPOTS_CACHE", Path(__file__).parent / ".cache"))
SEEDS = {"tuning": 530017, "test": 91402}
COUNT = {"tuning": 60, "test": 180}
CUBIC_001 = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
CUBIC_110 = ((0, 0, 1), (1, -1, 0), (1, 1, 0))
CUBIC_111 = ((1, -1, 0), (1, 1, -2), (1, 1, 1))
HEXAGONAL_C = ((1, 0, 0), (1, 2, 0), (0, 0, 1))
HEXAGONAL_A = ((0, 0, 1), (1, 2, 0), (-1, 0, 0))
# material, three orthogonal lattice directions (the last along the beam), thickness and defocus in
# Å, spherical aberration in mm; no defocus for the annular dark field.
CELLS: dict[str, tuple[str, tuple, float, float | None, float]] = {
    "Si-110": ("Si", CUBIC_110, 60, -80, 0.0),
    "Si-001": ("Si", CUBIC_001, 250, -500, 0.5),
    "GaAs-110": ("GaAs", CUBIC_110, 120, -440, 0.5),
    "Au-001": ("Au", CUBIC_001, 40, -60, 0.0),
    "Au-110": ("Au", CUBIC_110, 90, -620, 1.2),
    "Fe-111": ("Fe", CUBIC_111, 50, 50, 0.0),
    "SrTiO3-001": ("SrTiO3", CUBIC_001, 80, -100, 0.0),
    "GaN-c": ("GaN", HEXAGONAL_C, 60, -70, 0.0),
    "GaN-a": ("GaN", HEXAGONAL_A, 100, 80, 0.0),
    "TiO2-001": ("TiO2", CUBIC_001, 40, -300, 0.5),
    "SrTiO3-dark-field": ("SrTiO3", CUBIC_001, 60, None, 0.0),
}
FILMS = {"Si-film": ("Si-110", 30.0), "Au-film": ("Au-001", 50.0), "GaN-film": ("GaN-c", 20.0)}
FILM_WIDTH, FILM_SAMPLING, CELL_SAMPLING = 90.0, 0.18, 0.08  # Å


def cell(material: str, axes: tuple) -> Any:
    """Orthogonal cell of a crystal with its third direction along the beam, as ase.Atoms."""
    from ase.build import make_supercell

    atoms = make_supercell(catalogue.get(material).to_ase(), np.array(axes))
    lengths = atoms.cell.lengths()
    if not np.allclose(atoms.cell.angles(), 90):
        raise ValueError(f"the directions {axes} of {material} are not orthogonal")
    scaled = atoms.get_scaled_positions()
    atoms.set_cell(np.diag(lengths))
    atoms.set_scaled_positions(scaled)
    return atoms


def phase_contrast(
    atoms: Any, points: tuple[int, ...], defocus: float, spherical: float
) -> np.ndarray:
    """Image (rows, columns) of a specimen in a 300 kV microscope."""
    import abtem

    potential = abtem.Potential(atoms, gpts=points, slice_thickness=1.5)
    wave = abtem.PlaneWave(energy=300e3).multislice(potential)
    optics = abtem.CTF(
        energy=300e3,
        Cs=spherical * 1e7,
        defocus=-defocus,
        focal_spread=30,
        semiangle_cutoff=25,
    )
    return wave.apply_ctf(optics).intensity().compute().array.T


def dark_field(atoms: Any) -> np.ndarray:
    """Scan of one cell in a 200 kV microscope with an annular dark-field detector."""
    import abtem

    lengths = atoms.cell.lengths()
    repeats = [max(1, int(np.ceil(16 / length))) for length in lengths[:2]]
    potential = abtem.Potential(atoms * (*repeats, 1), sampling=0.07, slice_thickness=2)
    probe = abtem.Probe(energy=200e3, semiangle_cutoff=20)
    points = tuple(int(np.ceil(length / 0.22)) for length in lengths[:2])
    scan = abtem.GridScan(start=(0, 0), end=tuple(lengths[:2]), gpts=points, endpoint=False)
    detector = abtem.AnnularDetector(inner=60, outer=150)
    return probe.scan(potential, scan=scan, detectors=detector).compute().array.T


def thick(atoms: Any, thickness: float) -> Any:
    """Repeat a cell along the beam."""
    return atoms * (1, 1, max(1, round(thickness / atoms.cell.lengths()[2])))


def make_cell(name: str) -> dict[str, np.ndarray]:
    """Image of one cell and its size in nm."""
    material, axes, thickness, defocus, spherical = CELLS[name]
    atoms = thick(cell(material, axes), thickness)
    size = atoms.cell.lengths()[:2] / 10
    if defocus is None:
        return {"image": dark_field(atoms), "size": size}
    points = tuple(int(np.ceil(10 * length / CELL_SAMPLING)) for length in size)
    return {"image": phase_contrast(atoms, points, defocus, spherical), "size": size}


def make_film(name: str) -> dict[str, np.ndarray]:
    """Image of a crystal under amorphous carbon; size of the cell in nm."""
    import ase

    crystal, carbon = FILMS[name]
    material, axes, thickness, defocus, spherical = CELLS[crystal]
    atoms = thick(cell(material, axes), thickness)
    size = atoms.cell.lengths()[:2]
    repeats = [round(FILM_WIDTH / length) for length in size]
    atoms = atoms * (*repeats, 1)
    rng = np.random.default_rng(7)
    box = atoms.cell.lengths() * [1, 1, 0] + [0, 0, carbon]
    places = rng.uniform(size=(round(0.1 * np.prod(box)), 3)) * box  # 2 g/cm³
    layer = ase.Atoms("C" * len(places), places + [0, 0, atoms.cell.lengths()[2]])
    whole = atoms + layer
    whole.set_cell(atoms.cell.lengths() + [0, 0, carbon])
    # As many points in every cell: what the sampling aliases then falls on the lattice.
    each = [int(np.ceil(length / FILM_SAMPLING)) for length in size]
    points = tuple(n * m for n, m in zip(repeats, each, strict=True))
    image = phase_contrast(whole, points, defocus, spherical)
    return {"image": image, "size": size / 10, "width": whole.cell.lengths()[:2] / 10}


@cache
def made(name: str) -> dict[str, np.ndarray]:
    """Arrays of a cell or film, from the cache or made now."""
    path = CACHE / f"multislice-{name}.npz"
    if not path.exists():
        CACHE.mkdir(exist_ok=True)
        (CACHE / ".gitignore").write_text("*\n")
        arrays = make_film(name) if name in FILMS else make_cell(name)
        np.savez(path, **arrays)
    with np.load(path) as stored:
        return {key: stored[key] for key in stored}


@cache
def reflections(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Half of the waves of a periodic image: (n, 2) in 1/nm and amplitudes over the mean."""
    arrays = made(name)
    image = arrays["image"].astype(float)
    amplitude = np.fft.fft2(image) / image.sum()
    index = np.meshgrid(*(np.fft.fftfreq(n, 1 / n) for n in image.shape), indexing="ij")
    g = np.stack([index[1].ravel(), index[0].ravel()], axis=1) / arrays["size"]
    amplitude = amplitude.ravel()
    kept = (g[:, 0] > 0) | ((g[:, 0] == 0) & (g[:, 1] > 0))
    kept &= np.abs(amplitude) > 1e-4 * np.abs(amplitude[kept]).max()
    order = np.argsort(-np.abs(amplitude[kept]))[: spots_scenes.STRONGEST]
    return g[kept][order], amplitude[kept][order]


def lattice(
    rng: np.random.Generator, name: str, grid: Grid | None, shape: tuple[int, int]
) -> tuple[Lattice, Grid]:
    """Waves of one cell, turned at random; it sets the pixel size where there is none."""
    g, amplitude = reflections(name)
    if grid is None:
        period = np.exp(rng.uniform(np.log(3.5), np.log(min(12, min(shape) / 9))))
        grid = Grid(shape, (1 / (np.hypot(*g[0]) * period),) * 2)
    return spots_scenes.turned(Lattice(g, amplitude), rng.uniform(0, 2 * np.pi), grid), grid


def cell_scene(rng: np.random.Generator, name: str, crystals: list[str]) -> Scene:
    """One crystal, or two side by side, from the images of their cells."""
    shape = spots_scenes.SHAPES[int(rng.integers(len(spots_scenes.SHAPES)))]
    lattices, grid = [], None
    labels = spots_scenes.voronoi(rng, shape, len(crystals))
    for label, crystal in enumerate(crystals):
        waves, grid = lattice(rng, crystal, grid, shape)
        weight = spots_scenes.share(labels == label) if len(crystals) > 1 else 1.0
        lattices.append(Lattice(waves.g, waves.amplitude, weight))
    state = "several crystals" if len(crystals) > 1 else "single crystal"
    plan = Plan(grid, lattices, state, **spots_scenes.exposure(rng))
    return expose(plan, rng, name, "two cells" if len(crystals) > 1 else crystals[0])


def film_scene(rng: np.random.Generator, name: str, film: str) -> Scene:
    """Take a part of a film's image with counting noise."""
    arrays = made(film)
    whole = arrays["image"]
    scale = tuple(arrays["width"] / whole.shape[::-1])
    shape = [int(rng.integers(size // 2, size)) for size in whole.shape]
    row, column = (int(rng.integers(n - m)) for n, m in zip(whole.shape, shape, strict=True))
    dose = spots_scenes.exposure(rng)["dose"]
    part = whole[row : row + shape[0], column : column + shape[1]]
    signal = dose * part / part.mean()
    image, grid = rng.poisson(signal).astype(np.float32), Grid(part.shape, scale)
    mask = np.ones(grid.shape, bool)
    index = np.mgrid[-24:25, -24:25].reshape(2, -1).T
    index = index[(index[:, 0] > 0) | ((index[:, 0] == 0) & (index[:, 1] > 0))]
    g = index / arrays["size"]
    g = g[(np.abs(g) * scale).max(axis=1) < 0.49]
    clean, window = windowed_region(signal.astype(np.float32), grid, mask), None
    window = clean.window.astype(float)
    power = np.abs(transform_at(clean.pixels, grid, g)) ** 2
    noise = (window**2 * signal).sum() + speckle_power(clean.power, grid, g)
    width = moments(window, grid)
    inverse = np.linalg.inv(width)
    windowed = inverse @ moments(window**2, grid) @ inverse / (8 * np.pi**2)
    efficiency = window.sum() ** 2 / (mask.sum() * (window**2).sum())
    plain = np.linalg.inv(moments(mask.astype(float), grid)) * efficiency / (8 * np.pi**2)
    seen = power > WEAKEST * noise
    n = int(seen.sum())
    found = Truth(
        g[seen], (power / noise)[seen], np.zeros(n), np.zeros(n, int),
        np.broadcast_to(width, (n, 2, 2)), windowed, plain, "single crystal", grid,
    )  # fmt: skip
    truth = Truth(**{**vars(found), "state": settled(found)})
    return Scene(name, film, image, grid, mask, truth)


def speckle_power(power: np.ndarray, grid: Grid, g: np.ndarray) -> np.ndarray:
    """Mean power of amorphous speckle around single frequencies of a noise-free half plane."""
    y, x = np.ogrid[-9:10, -9:10]
    ring = (np.hypot(y, x) > 4) & (np.hypot(y, x) < 9.5)
    level = ndimage.median_filter(power, footprint=ring, mode="wrap") / np.log(2)
    upper = np.where(g[:, :1] < 0, -g, g)
    columns, rows = np.rint(upper * grid.extent).astype(int).T
    return level[rows % grid.shape[0], np.minimum(columns, power.shape[1] - 1)]


def names(which: str, every: int = 1) -> list[tuple[str, int]]:
    """List what :func:`scene` takes; fills the cache, so that workers only read it."""
    for name in (*CELLS, *FILMS):
        made(name)
    return [(which, index) for index in range(0, COUNT[which], every)]


def scene(which: str, index: int) -> Scene:
    """One scene of a set: cells in turn, then two cells, then a film."""
    rng = np.random.default_rng([SEEDS[which], index])
    name = f"multislice-{which}-{index}"
    kinds = [[cell] for cell in CELLS] + [list(rng.choice(list(CELLS), 2, replace=False))] * 3
    place = index % (len(kinds) + len(FILMS))
    if place < len(kinds):
        return cell_scene(rng, name, kinds[place])
    return film_scene(rng, name, list(FILMS)[place - len(kinds)])


if __name__ == "__main__":
    for entry in (*CELLS, *FILMS):
        picture = made(entry)["image"]
        print(f"{entry:20} {picture.shape}, contrast {picture.std() / picture.mean():.3f}")

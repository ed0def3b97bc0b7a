"""Images of germanium along [110] with dislocations at known places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Grid, Peaks
from hyperspy_twin.simulation import (
    ORIENTATION_110,
    DislocationArray,
    cubic_stiffness,
    dislocate_crystal,
    displace_points,
    stack_diamond_planes,
)
from hyperspy_twin.simulation.imaging import add_gaussians
from hyperspy_twin.strain import RegionLattice
from hyperspy_twin.strain.defects import Translations

PIXEL = 0.045  # nm
COLUMN_WIDTH = 0.065  # nm
LATTICE = 0.5658  # nm, germanium
STIFFNESS = cubic_stiffness((128.5, 48.3, 66.8), ORIENTATION_110)  # GPa, germanium
HKL = np.array([[1, -1, 1], [1, -1, -1], [2, -2, 0], [0, 0, 4], [3, -3, 1], [3, -3, -1], [1, -1, 3],
                [1, -1, -3], [2, -2, 4], [2, -2, -4]])  # fmt: skip
HALF = [[1, -1, 0], [1, 0, 1], [1, 0, -1], [0, 1, 1], [0, 1, -1]]
# Lomer as often as one of the four kinds of 60 degrees.
BURGERS = np.array([sign * np.array(one) / 2 for one in HALF for sign in (1, -1)])
FACE_CENTRED = Translations(
    np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]), 10 * LATTICE * np.eye(3)
)


@dataclass(frozen=True, eq=False)
class Scene:
    """Columns of atoms with their dislocations: positions in nm, Burgers vectors in hkl."""

    columns: np.ndarray
    shape: tuple[int, int]
    cores: np.ndarray
    burgers: np.ndarray
    labels: np.ndarray
    regions: dict[int, RegionLattice]
    pixel: float = PIXEL
    column_width: float = COLUMN_WIDTH

    @property
    def grid(self) -> Grid:
        """Its pixel grid."""
        return Grid(self.shape, (self.pixel, self.pixel))

    def image(self, dose: float, seed: int) -> np.ndarray:
        """Count ``dose`` electrons per pixel on average."""
        image = np.zeros(self.shape)
        points = self.columns / self.pixel
        widths = np.full(len(points), self.column_width / self.pixel)
        add_gaussians(image, points, np.ones(len(points)), widths)
        image *= dose / image.mean()
        return np.random.default_rng(seed).poisson(image).astype(np.float32)


def lattice_of(scale: float = 1.0) -> RegionLattice:
    """Peaks of the crystal, indexed."""
    position = (HKL @ ORIENTATION_110.T / (LATTICE * scale))[:, :2]
    length = np.linalg.norm(position, axis=1)
    amplitude = np.exp(-2 * (np.pi * COLUMN_WIDTH * length) ** 2)
    # Dumbbells along [001].
    amplitude *= np.abs(np.cos(2 * np.pi * HKL[:, 2] / 8))
    seen = amplitude > 1e-3
    peaks = Peaks(
        region=1,
        position=position[seen],
        error=np.full((seen.sum(), 2), 1e-3),
        intensity=amplitude[seen] ** 2,
        snr=1e6 * amplitude[seen] ** 2,
    )
    return RegionLattice(peaks, "single crystal", True, np.ones(seen.sum(), bool), 1.0, HKL[seen])


def perfect(size: int = 512, pixel: float = PIXEL) -> Scene:
    """No dislocation."""
    return random_cores(0, count=0, size=size, pixel=pixel)


def random_cores(
    seed: int, *, count: int = 10, size: int = 1024, distance: float = 4.0, pixel: float = PIXEL
) -> Scene:
    """Lomer and 60-degree dislocations at random places, at least ``distance`` nm apart."""
    random = np.random.default_rng([seed, 7])
    field = size * pixel
    cores: list[np.ndarray] = []
    while len(cores) < count:
        place = random.uniform(2.5, field - 2.5, 2)
        if all(np.linalg.norm(place - other) >= distance for other in cores):
            cores.append(place)
    burgers = BURGERS[random.integers(len(BURGERS), size=count)]
    return _dislocated(np.array(cores).reshape(-1, 2), burgers, (size, size), pixel)


def pair(seed: int, distance: float, size: int = 512, pixel: float = PIXEL) -> Scene:
    """Two dislocations with random Burgers vectors, ``distance`` nm apart in a random direction."""
    random = np.random.default_rng([seed, 8])
    angle, centre = random.uniform(0, 2 * np.pi), size * pixel / 2
    half = distance / 2 * np.array([np.cos(angle), np.sin(angle)])
    burgers = BURGERS[random.integers(len(BURGERS), size=2)]
    return _dislocated(np.array([centre - half, centre + half]), burgers, (size, size), pixel)


def _dislocated(
    cores: np.ndarray, burgers: np.ndarray, shape: tuple[int, int], pixel: float
) -> Scene:
    high = np.array(shape[::-1]) * pixel
    spacing = LATTICE / 4
    planes = np.arange(np.floor(-3 / spacing), np.ceil((high[1] + 3) / spacing))
    atoms, _ = stack_diamond_planes(
        -planes * spacing + high[1],
        planes.astype(int),
        period=LATTICE / np.sqrt(2),
        x_range=(-3.0, high[0] + 3.0),
        thickness=LATTICE / np.sqrt(2),
    )
    vectors = LATTICE * burgers @ ORIENTATION_110.T
    atoms, cores = dislocate_crystal(atoms, cores, vectors, STIFFNESS)
    labels = np.ones(shape, np.int32)
    return Scene(atoms[:, :2], shape, cores, burgers, labels, {1: lattice_of()}, pixel)


def misfit_array(
    shape: tuple[int, int] = (512, 2048), columns: int = 25, pixel: float = 0.047
) -> Scene:
    """Lomer dislocations where a lattice with one column less lies on germanium."""
    repeat = LATTICE / np.sqrt(2)
    period = columns * repeat
    upper = period / (columns - 1)
    array = DislocationArray(
        np.array([0.5 * period]), period, 2 * period / (2 * columns - 1), poisson=0.27
    )
    width, height = shape[1] * pixel, shape[0] * pixel
    atoms = []
    for top, step in ((True, upper), (False, repeat)):
        spacing = step / np.sqrt(8)
        count = np.arange(np.ceil((height / 2 + 3) / spacing))
        heights = (-1 if top else 1) * (count + 0.5) * spacing
        placed, _ = stack_diamond_planes(
            heights,
            (count if top else -1 - count).astype(int),
            period=step,
            x_range=(-3.0, width + 3.0),
            thickness=step,
        )
        placed[:, :2] += displace_points(placed[:, :2], array) + [0.0, height / 2]
        atoms.append(placed[:, :2])
    x = period * (0.5 + np.arange(np.floor(width / period + 0.5)))
    x = x[x < width - 1.0]
    cores = np.column_stack([x, np.full(len(x), height / 2)])
    labels = np.ones(shape, np.int32)
    labels[shape[0] // 2 :] = 2
    burgers = np.tile([0.5, -0.5, 0.0], (len(x), 1))
    lattices = {2: lattice_of(), 1: lattice_of(upper / repeat)}
    return Scene(np.concatenate(atoms), shape, cores, burgers, labels, lattices, pixel)

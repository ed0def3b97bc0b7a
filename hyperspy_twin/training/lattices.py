"""Projected lattices of many structures, drawn at random and rendered in real space."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import fft, ndimage

from hyperspy_twin.core import ANGSTROM_PER_NM, Crystal
from hyperspy_twin.crystals import (
    Reflections,
    atomic_number_factors,
    catalogue,
    distinct_zone_axes,
    find_zone_reflections,
    zone_lattice,
)

# Points along a period, so many that straight lines between them leave no false harmonics.
CELL_SIZE = 512
# Highest order of a harmonic along either vector.
LARGEST_INDEX = 32
# Highest frequency in cycles per pixel: nothing is aliased.
HIGHEST_FREQUENCY = 0.48
# Largest index of a zone axis.
LARGEST_ZONE_INDEX = 2
# Fraction of the strongest amplitude from which a reflection sets the magnification.
STRONG = 0.2
_ELEMENTS = ("C", "O", "Al", "Si", "Ti", "Fe", "Ga", "As", "Sr", "In", "Ba", "Au")

# Structures of the catalogue that images are drawn from; a change changes every seed.
MATERIALS = tuple(
    (
        "Ag Al AlAs AlSb Au BaTiO3 CdTe Co Cr Cu CuTe diamond Fe GaAs GaN GaP GaSb Ge "
        "graphene graphite InAs InAs-wurtzite InP InSb Mg MgO Mo MoS2 NaCl Ni Pb PbTe "
        "PbTiO3 Pd Pt Si SiC-3C Sn-alpha SrRuO3 SrTiO3 Ti TiO2 W ZnO ZnSe"
    ).split()
)


@dataclass(frozen=True)
class ProjectedLattice:
    """Projected lattice in the plane of the image.

    Attributes
    ----------
    basis
        Two reciprocal vectors (x, y) in cycles per pixel, shape (2, 2).
    index
        Integer coordinates in ``basis`` of all harmonics but the mean, one of each Friedel pair,
        shape (n, 2).
    coefficient
        Their complex Fourier coefficients, shape (n,).
    """

    basis: np.ndarray
    index: np.ndarray
    coefficient: np.ndarray

    @property
    def frequency(self) -> np.ndarray:
        """Reciprocal vectors (x, y) of the harmonics in cycles per pixel, shape (n, 2)."""
        return self.index @ self.basis

    def take(self, kept: np.ndarray | slice) -> ProjectedLattice:
        """Take some of the harmonics."""
        return replace(self, index=self.index[kept], coefficient=self.coefficient[kept])


def random_lattice(random: np.random.Generator) -> ProjectedLattice:
    """Draw a structure, a zone axis, a magnification and an imaging mode.

    Half of the structures are bundled ones; the others are cells of any shape with up to six
    atoms anywhere. The contrast is that of electron scattering or of atomic numbers, linear or
    not, with a phase-contrast transfer function in a third of all cases, and weaker along one
    direction in a third, as when the crystal is tilted off its axis. It has at least two harmonics
    and a standard deviation of 1.
    """
    while True:
        crystal = _random_crystal(random)
        axes = distinct_zone_axes(crystal, LARGEST_ZONE_INDEX)
        axis = axes[min(int(random.exponential(2.5)), len(axes) - 1)]
        lattice = _imaged(crystal, axis, random)
        if len(lattice.index) >= 2:
            return lattice


def related_lattice(lattice: ProjectedLattice, random: np.random.Generator) -> ProjectedLattice:
    """Draw a neighbour: the same lattice, strained by a few per cent or turned, or both."""
    strain = random.choice([-1, 1]) * random.uniform(0.015, 0.08)
    turn = np.deg2rad(random.choice([-1, 1]) * random.uniform(1.0, 30.0))
    kind = random.integers(3)
    matrix = (1 + strain * (kind != 1)) * _rotation(turn * (kind != 0))
    return _resolved(replace(lattice, basis=lattice.basis @ matrix))


def render(lattice: ProjectedLattice, displacement: np.ndarray) -> np.ndarray:
    """Sample a lattice at every pixel of an image, float32, shape (rows, columns).

    The displacement (x, y) of the lattice at every pixel is in pixels, shape (2, rows, columns).
    """
    rows, columns = displacement.shape[1:]
    x = np.arange(columns, dtype=np.float32) - displacement[0]
    y = np.arange(rows, dtype=np.float32)[:, None] - displacement[1]
    basis = CELL_SIZE * lattice.basis.astype(np.float32)
    position = np.stack([first * x + second * y for first, second in basis])
    return ndimage.map_coordinates(_cell(lattice), position, order=1, mode="grid-wrap")


def _cell(lattice: ProjectedLattice) -> np.ndarray:
    """One period, float32 (CELL_SIZE, CELL_SIZE)."""
    table = np.zeros((CELL_SIZE, CELL_SIZE), np.complex64)
    table[tuple(lattice.index.T)] = lattice.coefficient
    table[tuple(-lattice.index.T)] = lattice.coefficient.conj()
    return CELL_SIZE**2 * fft.ifft2(table).real


def _random_crystal(random: np.random.Generator) -> Crystal:
    if random.random() < 0.5:
        return catalogue.get(str(random.choice(MATERIALS)))
    atoms = int(random.integers(1, 7))
    lengths = random.uniform(2.5, 9.0, 3)
    angles = random.uniform(65.0, 115.0, 3)
    return Crystal(
        name="random",
        lattice=(*lengths.tolist(), *angles.tolist()),
        symbols=tuple(random.choice(_ELEMENTS, atoms).tolist()),
        fractional=tuple(map(tuple, random.random((atoms, 3)).tolist())),
        occupancy=(1.0,) * atoms,
    )


def _imaged(
    crystal: Crystal, axis: tuple[int, ...], random: np.random.Generator
) -> ProjectedLattice:
    """Projection along an axis at a random magnification, orientation and imaging mode."""
    found = find_zone_reflections(crystal, axis, 16.0)
    factor = found.structure_factor
    if random.random() < 0.5:
        factor = atomic_number_factors(crystal, found.hkl)
    strong = np.abs(factor) > STRONG * np.abs(factor).max(initial=0.0)
    if not strong.any():
        return ProjectedLattice(np.eye(2), np.zeros((0, 2), int), np.zeros(0, complex))
    smallest = float(found.length[strong].min())
    pixel = np.exp(random.uniform(np.log(0.035), np.log(0.33))) / smallest
    lattice = _projected(crystal, axis, found, factor)
    stretch = np.eye(2) + random.normal(scale=0.02, size=(2, 2))
    turn = _rotation(random.uniform(0, 2 * np.pi))
    lattice = replace(lattice, basis=pixel * lattice.basis @ turn @ stretch)
    return _with_contrast(_resolved(lattice), random)


def _projected(
    crystal: Crystal, axis: tuple[int, ...], found: Reflections, factor: np.ndarray
) -> ProjectedLattice:
    """ProjectedLattice of one zone with its basis (x, y) in 1/nm."""
    plane = zone_lattice(crystal, axis)
    vectors = plane @ crystal.reciprocal_base * ANGSTROM_PER_NM
    along_x = vectors[0] / np.linalg.norm(vectors[0])
    normal = np.cross(vectors[0], vectors[1])
    along_y = np.cross(normal / np.linalg.norm(normal), along_x)
    index = np.rint(found.hkl @ np.linalg.pinv(plane)).astype(int)
    lattice = ProjectedLattice(vectors @ np.stack([along_x, along_y], axis=1), index, factor)
    return lattice.take(_half(index) & (np.abs(index).max(axis=1, initial=0) <= LARGEST_INDEX))


def _resolved(lattice: ProjectedLattice) -> ProjectedLattice:
    return lattice.take(np.linalg.norm(lattice.frequency, axis=1) < HIGHEST_FREQUENCY)


def _with_contrast(lattice: ProjectedLattice, random: np.random.Generator) -> ProjectedLattice:
    """Damp, tilt, transfer and distort the contrast, and scale it to a deviation of 1."""
    frequency = lattice.frequency
    radius = np.linalg.norm(frequency, axis=1)
    factor = lattice.coefficient * np.exp(-((radius / random.uniform(0.15, 0.6)) ** 2))
    if random.random() < 1 / 3:
        factor = factor * np.sin(random.uniform(5.0, 60.0) * radius**2 + random.uniform(0, np.pi))
    if random.random() < 1 / 3:
        angle = random.uniform(0, np.pi)
        across = frequency @ (np.cos(angle), np.sin(angle))
        factor = factor * np.exp(-((across / random.uniform(0.05, 0.3)) ** 2))
    lattice = _scaled(replace(lattice, coefficient=factor))
    if random.random() < 0.3:
        lattice = _scaled(_distorted(lattice, random.uniform(0.2, 0.8)))
    return lattice


def _scaled(lattice: ProjectedLattice) -> ProjectedLattice:
    deviation = np.sqrt(2 * np.sum(np.abs(lattice.coefficient) ** 2))
    if not deviation > 0:
        return lattice.take(slice(0))
    return replace(lattice, coefficient=lattice.coefficient / deviation)


def _distorted(lattice: ProjectedLattice, strength: float) -> ProjectedLattice:
    """Exponential of the contrast, which brings its sums and double frequencies in."""
    table = fft.fft2(np.exp(strength * _cell(lattice))) / CELL_SIZE**2
    span = np.arange(-LARGEST_INDEX, LARGEST_INDEX + 1)
    index = np.stack(np.meshgrid(span, span, indexing="ij"), axis=-1).reshape(-1, 2)
    index = index[_half(index)]
    found = ProjectedLattice(lattice.basis, index, table[tuple(index.T)])
    height = np.abs(found.coefficient)
    return _resolved(found.take(height > 1e-5 * height.max()))


def _half(index: np.ndarray) -> np.ndarray:
    """Choose one of each Friedel pair."""
    return (index[:, 0] > 0) | ((index[:, 0] == 0) & (index[:, 1] > 0))


def _rotation(angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]])

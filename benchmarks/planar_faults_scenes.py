"""Images of germanium and gold along [110] with a stacking fault on (1-11)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from dislocations_scenes import BURGERS, HKL, LATTICE, PIXEL, STIFFNESS, Scene, perfect

from hyperspy_twin.core import Peaks
from hyperspy_twin.simulation import (
    ORIENTATION_110,
    cubic_stiffness,
    dislocate_crystal,
    shift_half,
)
from hyperspy_twin.strain import RegionLattice

PLANE = (1.0, -1.0, 1.0)
# In the plane, equal to -1/3 [1-11] but for a lattice vector; of the lower left side.
PARTIAL = np.array([1.0, -1.0, -2.0]) / 6.0
SHIFT = np.array([-1.0, 1.0, -1.0]) / 3.0
# Shockley partials of the plane that are told apart: of 90 degrees, and of 30 degrees, of which two
# look alike.
SHOCKLEY = np.array([[1, -1, -2], [-1, 1, 2], [2, 1, -1], [-2, -1, 1]]) / 6.0
GOLD, GOLD_PIXEL, GOLD_WIDTH = 0.4078, 0.03, 0.05  # nm
GOLD_STIFFNESS = cubic_stiffness((192.9, 163.8, 41.5), ORIENTATION_110)  # GPa
# nm between a fault and the perfect dislocation beside it.
APART = 4.0
# Pixels of a strip in which 5 nm of the wall are seen.
STRIP = 115


def crossing_fault(size: int = 512, offset: float = 0.1) -> Scene:
    """Make a fault through the middle, ``offset`` nm from the centre."""
    scene = perfect(size)
    normal = (np.array(PLANE) @ ORIENTATION_110.T)[:2]
    point = np.full(2, size * PIXEL / 2) + offset * normal / np.linalg.norm(normal)
    shift = LATTICE * (PARTIAL @ ORIENTATION_110.T)[:2]
    return replace(scene, columns=shift_half(scene.columns, point, -normal, shift))


def ending_fault(size: int = 512) -> Scene:
    """Make a fault from a partial dislocation in the middle to the lower right."""
    scene = perfect(size)
    columns = np.column_stack([scene.columns, np.zeros(len(scene.columns))])
    core = np.full((1, 2), size * PIXEL / 2)
    burgers = LATTICE * -PARTIAL @ ORIENTATION_110.T
    columns, cores = dislocate_crystal(columns, core, burgers[None], STIFFNESS)
    return replace(scene, columns=columns[:, :2], cores=cores, burgers=-PARTIAL[None])


def strip(scene: Scene, seed: int) -> Scene:
    """Analyse only a strip of it."""
    labels = np.zeros(scene.shape, np.int32)
    first = 150 + 7 * seed % 200
    labels[first : first + STRIP] = 1
    return replace(scene, labels=labels)


def partial_beside_perfect(seed: int, *, gold: bool = False, size: int = 640) -> Scene:
    """Make a fault that ends in a random Shockley partial, and a perfect dislocation beside it."""
    random = np.random.default_rng([seed, 9])
    scene = perfect_gold(size) if gold else perfect(size)
    lattice, stiffness = (GOLD, GOLD_STIFFNESS) if gold else (LATTICE, STIFFNESS)
    burgers = np.array([SHOCKLEY[seed % 4], BURGERS[random.integers(len(BURGERS))]])
    vectors = lattice * burgers @ ORIENTATION_110.T
    # The fault runs against the Burgers vector.
    along = -vectors[0, :2] / np.linalg.norm(vectors[0, :2])
    field = size * scene.pixel
    core = field / 2 + random.uniform(-1.5, 1.5, 2)
    while True:
        other = random.uniform(2.5, field - 2.5, 2)
        distance = max((other - core) @ along, 0.0)
        if np.linalg.norm(other - core - distance * along) >= APART:
            break
    columns = np.column_stack([scene.columns, np.zeros(len(scene.columns))])
    columns, cores = dislocate_crystal(columns, np.array([core, other]), vectors, stiffness)
    return replace(scene, columns=columns[:, :2], cores=cores, burgers=burgers)


def gold_fault(seed: int, size: int = 640) -> Scene:
    """Make a fault across gold."""
    scene = perfect_gold(size)
    normal = (np.array(PLANE) @ ORIENTATION_110.T)[:2]
    point = np.full(2, size * GOLD_PIXEL / 2) + np.random.default_rng([seed, 10]).uniform(-2, 2, 2)
    shift = GOLD * (PARTIAL @ ORIENTATION_110.T)[:2]
    return replace(scene, columns=shift_half(scene.columns, point, -normal, shift))


def perfect_gold(size: int) -> Scene:
    """No fault."""
    high = size * GOLD_PIXEL
    steps = np.arange(-np.ceil(4 * high / GOLD), np.ceil(4 * high / GOLD))
    first, second = (one.ravel() for one in np.meshgrid(steps, steps))
    columns = GOLD * np.column_stack([(first + second / 2) / np.sqrt(2), second / 2])
    columns = columns[((columns > -3.0) & (columns < high + 3.0)).all(axis=1)]
    hkl = np.concatenate([HKL, [[0, 0, 2]]])
    position = (hkl @ ORIENTATION_110.T / GOLD)[:, :2]
    amplitude = np.exp(-2 * (np.pi * GOLD_WIDTH * np.linalg.norm(position, axis=1)) ** 2)
    hkl, position, amplitude = (one[amplitude > 1e-3] for one in (hkl, position, amplitude))
    count = len(hkl)
    peaks = Peaks(
        region=1,
        position=position,
        error=np.full((count, 2), 1e-3),
        intensity=amplitude**2,
        snr=1e6 * amplitude**2,
    )
    lattice = RegionLattice(peaks, "single crystal", True, np.ones(count, bool), 1.0, hkl)
    labels = np.ones((size, size), np.int32)
    return Scene(
        columns, (size, size), np.zeros((0, 2)), np.zeros((0, 3)), labels, {1: lattice},
        GOLD_PIXEL, GOLD_WIDTH,
    )  # fmt: skip

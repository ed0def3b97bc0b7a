"""Images of germanium along [110] with a stacking fault on (1-11)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from dislocations_scenes import LATTICE, PIXEL, STIFFNESS, Scene, perfect

from hyperspy_twin.simulation import ORIENTATION_110, dislocate_crystal, shift_half

PLANE = (1.0, -1.0, 1.0)
# In the plane, equal to -1/3 [1-11] but for a lattice vector; of the lower left side.
PARTIAL = np.array([1.0, -1.0, -2.0]) / 6.0
SHIFT = np.array([-1.0, 1.0, -1.0]) / 3.0
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

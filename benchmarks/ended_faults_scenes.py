"""Images of germanium and gold along [110] with stacking faults whose atoms are known.

The crystal is sheared by Shockley partials between two planes of atoms, as bonds allow it, and the
fault leaves the field or ends in a partial dislocation on either side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from dislocations_scenes import COLUMN_WIDTH, LATTICE, PIXEL, STIFFNESS, Scene, lattice_of
from planar_faults_scenes import GOLD, GOLD_PIXEL, GOLD_STIFFNESS, GOLD_WIDTH, perfect_gold
from scipy.spatial import cKDTree

from hyperspy_twin.simulation import ORIENTATION_110, volterra_displacement

PLANES = ((1, -1, 1), (1, -1, -1))
# Shockley partials by which the side that a plane points to is sheared into an intrinsic fault of
# gold, and which of them are told apart in the image: the first is of 90 degrees.
SHEARS = {
    (1, -1, 1): np.array([[1, -1, -2], [1, 2, 1], [-2, -1, 1]]) / 6,
    (1, -1, -1): np.array([[1, -1, 2], [1, 2, -1], [-2, -1, -1]]) / 6,
}
# Columns around the field, in nm, that its displacement may bring into it.
MARGIN = 3.0
# nm from the plane at which the step of a dislocation is read.
CLOSE = 1e-7
# Of the shortest distance in the crystal: closer atoms mean a shear in the wrong sense.
TOO_CLOSE = 0.9


@dataclass(frozen=True, eq=False)
class EndedFault:
    """A fault with known atoms.

    Attributes
    ----------
    scene
        Its image, with the partials as dislocations; the two of an extrinsic fault are one.
    atoms
        Positions in nm of one repeat along the beam, shape (n, 3).
    period
        Length of the repeat in nm.
    plane
        Miller indices of the fault.
    shift
        Shift of the side that the plane points to, in the axes of the crystal.
    """

    scene: Scene
    atoms: np.ndarray
    period: float
    plane: tuple[int, int, int]
    shift: np.ndarray


def ended_fault(
    seed: int,
    *,
    ends: int,
    gold: bool = False,
    extrinsic: bool = False,
    size: int = 448,
    span: tuple[float, float] = (0.18, 0.3),
) -> EndedFault:
    """Make a fault on a random {111} plane with so many random partials inside the field."""
    random = np.random.default_rng([seed, 11, ends])
    plane = PLANES[random.integers(2)]
    lattice, pixel, stiffness = (
        (GOLD, GOLD_PIXEL, GOLD_STIFFNESS) if gold else (LATTICE, PIXEL, STIFFNESS)
    )
    field, period = size * pixel, lattice / np.sqrt(2)
    atoms = _perfect(lattice, field, gold)
    vector = np.array(plane) @ ORIENTATION_110.T / np.sqrt(3)
    normal = vector[:2]
    along = np.array([normal[1], -normal[0]])
    spacing = lattice / np.sqrt(3)
    height = random.uniform(-0.1, 0.1) * field + np.full(2, field / 2) @ normal
    # Between the near planes of diamond, or any of gold.
    start = (0.5 if gold else 0.125 * plane[2]) * spacing
    heights = start + spacing * np.rint((height - start) / spacing) + [0.0, spacing]
    heights = heights[: 1 + extrinsic]
    middle = np.full(2, field / 2) @ along
    half = random.uniform(*span, 2) * field
    places = middle + half * [-1, 1]
    inside = [(), (random.integers(2),), (0, 1)][ends]
    shears = _sense(SHEARS[plane], atoms, heights[0], normal, lattice)
    kinds = random.integers(3, size=2)
    moved, cores, burgers = atoms.copy(), [], []
    for end, place in enumerate(places):
        sign = 2 * end - 1
        core, total = [], np.zeros(3)
        for number, level in enumerate(heights):
            shear = shears[(kinds[end] + number) % 3]
            step = lattice * ORIENTATION_110 @ shear
            point = level * normal + place * along
            if end not in inside:
                point = point + sign * 1e3 * field * along
            field_of, vector = _ending_step(atoms[:, :2] - point, normal, step, stiffness)
            moved += sign * (field_of if end in inside or end == 1 else 0.0)
            core.append(point)
            total = total + sign * vector * shear
        if end in inside:
            cores.append(np.mean(core, axis=0))
            burgers.append(total)
    far = np.abs(moved[:, :2] - field / 2).max(axis=1) < field / 2 + 1.0
    moved = moved[far]
    shift = sum(shears[(kinds[1] + number) % 3] for number in range(len(heights)))
    blank = perfect_gold(64) if gold else None
    scene = Scene(
        moved[:, :2], (size, size), np.array(cores).reshape(-1, 2),
        np.array(burgers).reshape(-1, 3), np.ones((size, size), np.int32),
        blank.regions if blank else {1: lattice_of()}, pixel,
        GOLD_WIDTH if gold else COLUMN_WIDTH,
    )  # fmt: skip
    return EndedFault(scene, moved, period, plane, np.asarray(shift))


def _perfect(lattice: float, field: float, gold: bool) -> np.ndarray:
    """Atoms of one repeat along [110] (x, y, z) in nm."""
    period = lattice / np.sqrt(2)
    low, high = -MARGIN, field + MARGIN
    x = period * np.arange(np.floor(low / period), np.ceil(high / period))
    y = lattice * np.arange(np.floor(low / lattice), np.ceil(high / lattice))
    x, y = (one.ravel() for one in np.meshgrid(x, y))
    corners = np.column_stack([x, y, np.zeros(len(x))])
    sites = np.array([[0, 0, 0], [period / 2, lattice / 2, period / 2]])
    if not gold:
        sites = np.concatenate([sites, sites + [0.0, -lattice / 4, period / 2]])
    return (corners[:, None] + sites).reshape(-1, 3)


def _sense(
    shears: np.ndarray, atoms: np.ndarray, height: float, normal: np.ndarray, lattice: float
) -> np.ndarray:
    """Shears in the sense in which no atoms come too close."""
    near = np.abs(atoms[:, :2] @ normal - height) < lattice
    near &= np.linalg.norm(atoms[:, :2] - atoms[near, :2].mean(axis=0), axis=1) < 4 * lattice
    some, period = atoms[near], lattice / np.sqrt(2)
    around = np.concatenate([some + [0, 0, n * period] for n in (-1, 0, 1)])
    bond = cKDTree(around).query(some, k=2)[0][:, 1].min()
    for sign in (1, -1):
        step = sign * lattice * ORIENTATION_110 @ shears[0]
        sheared = around + np.where((around[:, :2] @ normal > height)[:, None], step, 0.0)
        if cKDTree(sheared).query(sheared, k=2)[0][:, 1].min() > TOO_CLOSE * bond:
            return sign * shears
    raise AssertionError("the shears do not belong to the plane")


def _ending_step(
    points: np.ndarray, normal: np.ndarray, step: np.ndarray, stiffness: np.ndarray
) -> tuple[np.ndarray, int]:
    """Displacement by a partial that ends a step behind the origin, and the sign of its vector.

    The side of the normal moves by the step against the other where the coordinate along
    (normal_y, -normal_x) is negative.
    """
    along = np.array([normal[1], -normal[0]])
    found = volterra_displacement(points, step, stiffness)
    beside = np.array([[a * along + c * normal for c in (CLOSE, -CLOSE)] for a in (-1.0, 1.0)])
    ideal = volterra_displacement(beside.reshape(-1, 2), step, stiffness).reshape(2, 2, 3)
    jumps = ideal[:, 0] - ideal[:, 1]
    if np.linalg.norm(jumps[1]) > np.linalg.norm(jumps[0]):
        found = found - np.where((points @ normal > 0)[:, None], jumps[1], 0.0)
        jumps = jumps - jumps[1]
    sign = int(np.sign(jumps[0] @ step))
    assert np.allclose(jumps, [sign * step, np.zeros(3)], atol=1e-5)
    return sign * found, sign


def wrong_columns(fault: EndedFault, positions: np.ndarray, margin: float) -> np.ndarray:
    """List true columns in nm that a model, with positions in Å, has not within a fifth of a bond.

    Those nearer than ``margin`` nm to the border are not counted.
    """
    high = np.array(fault.scene.shape[::-1]) * fault.scene.pixel
    true = fault.atoms[:, :2]
    inside = ((true > margin) & (true < high - margin)).all(axis=1)
    bond = GOLD / np.sqrt(2) if fault.scene.pixel == GOLD_PIXEL else LATTICE * np.sqrt(3) / 4
    distance = cKDTree(positions[:, :2] / 10).query(true[inside])[0]
    return true[inside][distance > bond / 5]

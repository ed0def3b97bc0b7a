"""Models of crystals with planar faults against the atoms that the images were made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from hyperspy_twin.atoms import FaultedImage, MeasuredLattice, PlanarFault, build_model
from hyperspy_twin.atoms.neighbours import find_bonds
from hyperspy_twin.core import Crystal, Grid, Outlines, RegisteredLattice
from hyperspy_twin.simulation import fault_crystal
from hyperspy_twin.simulation.imaging import add_gaussians
from hyperspy_twin.strain import geometric_phase_analysis

SIZE, PIXEL, WIDTH, RESOLUTION = 256, 0.045, 0.065, 0.45
GRID = Grid((SIZE, SIZE), (PIXEL, PIXEL))
MIDDLE = np.full(2, PIXEL * SIZE / 2)
FACES = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
DIAMOND = np.concatenate([FACES, FACES + 0.25])
# Lattice constant in Å, sites, height of a cut in periods of (1 -1 1) from an atom of the first
# site, and neighbours.
CRYSTALS = {"Ge": (5.658, DIAMOND, 0.125, 4), "Au": (4.078, FACES, 0.5, 12)}
PLANE = np.array([1, -1, 1])


def crystal(name):
    lattice, sites, *_ = CRYSTALS[name]
    return Crystal(
        name, (lattice,) * 3 + (90.0,) * 3, (name,) * len(sites), tuple(map(tuple, sites)),
        (1.0,) * len(sites),
    )  # fmt: skip


def stacked(name, heights):
    """Atoms in Å, shifted by a shear at cuts that lie some periods of the plane from the middle."""
    edge, sites, cut, _ = CRYSTALS[name]
    atoms, base, vector = fault_crystal(
        edge, sites, [one + cut for one in heights], 10 * MIDDLE[0] + 5
    )
    return atoms + [*10 * MIDDLE, 0.0], base, vector


def model_of(name, heights, *, dose=30.0, seed=0, seen=None):
    """Model of an image of such a crystal, the true atoms, and the period along the beam.

    ``seen`` are the cuts at which faults are reported, of which several heights may be one.
    """
    atoms, base, vector = stacked(name, heights)
    image = np.zeros(GRID.shape)
    add_gaussians(
        image, atoms[:, :2] / 10 / PIXEL, np.ones(len(atoms)), np.full(len(atoms), WIDTH / PIXEL)
    )
    image *= dose / image.mean()
    image = np.random.default_rng(seed).poisson(image).astype(np.float32)
    waves = 10 * (np.linalg.inv(base) @ np.array([[1, -1, 1], [1, -1, -1]]).T).T[:, :2]
    everywhere = np.ones(GRID.shape, bool)
    field = geometric_phase_analysis(
        image, GRID, waves, resolution=RESOLUTION, reference=everywhere, fixed=True
    )
    # The displacement is that from the lattice before the first cut.
    normal = vector[:2] / np.linalg.norm(vector[:2])
    x, y = np.meshgrid(GRID.x, GRID.y)
    far = (np.stack([x, y], axis=-1) - MIDDLE) @ normal < -3.5
    u = field.displacement - np.mean(field.displacement[:, far], axis=1)[:, None, None]
    along = np.array([normal[1], -normal[0]])
    spacing = 0.1 / np.linalg.norm(vector)
    faults = []
    for cut in heights if seen is None else seen:
        # As they are seen: a little off, and modulo lattice vectors.
        middle = MIDDLE + (cut + CRYSTALS[name][2] + 0.3) * spacing * normal
        ends = middle - 5.0 * along, middle + 5.0 * along
        shift = PLANE / -3.0 * (1 if seen is None else -1)
        right = np.array([-along[1], along[0]]) @ normal
        one = PlanarFault(*map(tuple, ends), tuple(PLANE), tuple(right * shift), False, False)
        faults.append(one)
    lattice = RegisteredLattice(
        1, crystal(name), base, (1, 1, 0), tuple(MIDDLE), 1.0, True, (0.0, 0.0)
    )
    corner = PIXEL * SIZE
    outlines = Outlines.from_rings(
        [np.array([[0, 0], [corner, 0], [corner, corner], [0, corner]], float)], [1]
    )
    faulted = FaultedImage(image, GRID, faults, 1, waves, RESOLUTION)
    found = build_model(
        [lattice], outlines, displacement=u, grid=GRID, thickness=1.6, seed=0,
        measured=[MeasuredLattice(1, (1,), None, faulted)],
    )  # fmt: skip
    return found, atoms, np.linalg.norm(base[0] + base[1]) / 2


def compare(found, atoms, period):
    """Distance in Å of each true atom to the nearest one of the model.

    Where the crystal begins along the beam no image shows: the mean shift along it is taken out.
    """
    interior = (np.abs(atoms[:, :2] - 10 * MIDDLE) < 10 * MIDDLE[0] - 10).all(axis=1)
    true, near = atoms[interior], found.positions.copy()
    column = cKDTree(near[:, :2]).query(true[:, :2])[1]
    turns = np.exp(2j * np.pi * (near[column, 2] - true[:, 2]) / period)
    near[:, 2] -= period * np.angle(turns.mean()) / (2 * np.pi)
    near[:, 2] = np.mod(near[:, 2] + 1e-6, period)
    wrapped = np.concatenate([near + [0, 0, shift * period] for shift in (-1, 0, 1)])
    return cKDTree(wrapped).query(true)[0]


def coordination(found):
    cell = np.diag([400.0, 400.0, found.thickness])
    nearest = cKDTree(found.positions).query(found.positions[:200], k=2)[0][:, 1].max()
    bonds = find_bonds(found.positions, found.numbers, cell, (False, False, True), 1.2 * nearest)
    interior = (np.abs(found.positions[:, :2] - 10 * MIDDLE) < 10 * MIDDLE[0] - 10).all(axis=1)
    return bonds.count[interior], bonds.distances(found.positions) / nearest


@pytest.mark.parametrize("name", CRYSTALS)
def test_intrinsic_fault(name):
    """Each atom stands where it does in ABCBCA, with all its neighbours."""
    found, atoms, period = model_of(name, (0,))
    off = compare(found, atoms, period)
    assert np.sqrt(np.mean(off**2)) < 0.03 and off.max() < 0.15
    count, _ = coordination(found)
    assert (count == CRYSTALS[name][3]).all()


def test_extrinsic_fault():
    """Seen as one shift, which leaves bonds only as two steps with a plane between them."""
    found, atoms, period = model_of("Ge", (0, 1), seen=(0.5,))
    off = compare(found, atoms, period)
    assert np.sqrt(np.mean(off**2)) < 0.04 and off.max() < 0.2
    assert (coordination(found)[0] == 4).all()


def test_two_faults():
    found, atoms, period = model_of("Ge", (-5, 6))
    off = compare(found, atoms, period)
    assert np.sqrt(np.mean(off**2)) < 0.04 and off.max() < 0.2
    assert (coordination(found)[0] == 4).all()


@settings(deadline=None, max_examples=3, derandomize=True)
@given(st.integers(-6, 6), st.sampled_from([3.0, 100.0]), st.integers(0, 99))
def test_plane_is_the_right_one_wherever_it_lies(height, dose, seed):
    found, atoms, period = model_of("Ge", (height,), dose=dose, seed=seed)
    assert compare(found, atoms, period).max() < (0.4 if dose < 10 else 0.15)


def test_fault_that_is_none_is_told(caplog):
    atoms, *_ = model_of("Ge", (), seen=(0,))
    assert "is not in the model: the displacement does not step by its shift" in caplog.text
    assert (coordination(atoms)[0] == 4).all()

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import Grid, Peaks
from hyperspy_twin.simulation import (
    ORIENTATION_110,
    cubic_stiffness,
    dislocate_crystal,
    shift_half,
    stack_diamond_planes,
)
from hyperspy_twin.simulation.imaging import add_gaussians
from hyperspy_twin.strain import RegionLattice
from hyperspy_twin.strain.defects import Translations, find_block, find_planar_faults
from hyperspy_twin.strain.defects.fault_vectors import (
    fit_shift,
    name_plane,
    name_shift,
    translations_in_image,
    wrap,
)

LATTICE, PIXEL, WIDTH, SHAPE = 0.5658, 0.045, 0.065, (320, 320)
GRID = Grid(SHAPE, (PIXEL, PIXEL), (3.0, -1.0))
CENTRE = np.full(2, PIXEL * SHAPE[0] / 2)
STIFFNESS = cubic_stiffness((128.5, 48.3, 66.8), ORIENTATION_110)  # GPa, germanium
HKL = np.array([[1, -1, 1], [1, -1, -1], [2, -2, 0], [0, 0, 4], [1, -1, 3], [1, -1, -3]])
VECTORS = (HKL @ ORIENTATION_110.T / LATTICE)[:, :2]
BASE = 10 * LATTICE * np.eye(3)
CUBIC = Translations(np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]), BASE)
# Shear in the plane, and what it is modulo a lattice vector.
PARTIALS = {(1, -1, 1): (-1, 1, 2), (1, -1, -1): (-1, 1, -2)}


def in_image(indices):
    return (LATTICE * np.array(indices, float) @ ORIENTATION_110.T)[:2]


def lattice(indexed=True):
    amplitude = np.exp(-2 * (np.pi * WIDTH * np.linalg.norm(VECTORS, axis=1)) ** 2)
    peaks = Peaks(
        position=VECTORS,
        error=np.full((6, 2), 1e-3),
        intensity=amplitude**2,
        snr=1e6 * amplitude**2,
        region=1,
    )
    if not indexed:
        return RegionLattice(peaks, "single crystal", True)
    return RegionLattice(peaks, "single crystal", True, np.ones(6, bool), 1.0, HKL)


def crystal():
    high = PIXEL * SHAPE[0] + 2.0
    planes = np.arange(-15, int(high / LATTICE * 4))
    atoms, _ = stack_diamond_planes(
        high - planes * LATTICE / 4, planes, period=LATTICE / np.sqrt(2), x_range=(-2.0, high),
        thickness=LATTICE / np.sqrt(2),
    )  # fmt: skip
    return atoms


def count(atoms, dose, seed=0):
    image = np.zeros(SHAPE)
    widths = np.full(len(atoms), WIDTH / PIXEL)
    add_gaussians(image, atoms[:, :2] / PIXEL, np.ones(len(atoms)), widths)
    image *= dose / image.mean()
    return np.random.default_rng(seed).poisson(image).astype(np.float32)


def faulted(plane=(1, -1, 1), point=CENTRE, sixths=None):
    """Atoms of which those beyond a plane are shifted by a partial Burgers vector."""
    shift = in_image(np.array(sixths or PARTIALS[plane]) / 6)
    atoms = crystal()
    atoms[:, :2] = shift_half(atoms[:, :2], point, in_image(plane), shift)
    return atoms


def find(image, region=None, translations=CUBIC, labels=None):
    labels = np.ones(SHAPE, int) if labels is None else labels
    regions = {int(n): region or lattice() for n in np.unique(labels[labels > 0])}
    block = find_block(regions, labels, GRID, reference=1, resolution=0.45)
    return find_planar_faults(image, GRID, block, resolution=0.45, translations=translations)


def right_hand_shift(found, number, plane, shift):
    """Shift of the right-hand side, where ``shift`` is that of the side of the plane's normal."""
    along = found.end[number] - found.start[number]
    normal = np.array([-along[1], along[0]])
    return np.array(shift) * np.sign(normal @ in_image(plane))


@pytest.mark.parametrize("dose", [3.0, 100.0])
@pytest.mark.parametrize("plane", PARTIALS)
def test_stacking_fault_across_the_image(plane, dose):
    found = find(count(faulted(plane), dose))
    assert len(found.error) == 1
    np.testing.assert_array_equal(found.plane[0], plane)
    expected = right_hand_shift(found, 0, plane, np.array(plane) / 3)
    np.testing.assert_allclose(found.indices[0], expected, atol=1e-12)
    turns = wrap(VECTORS @ found.shift[0] - HKL @ expected)
    assert np.abs(turns[:3]).max() < 3 * found.jump_error[0] + 0.005
    assert found.error[0] < 0.008
    assert 0.05 < found.dip[0] < 0.8
    # The wall passes the centre.
    along = (found.end[0] - found.start[0]) / np.linalg.norm(found.end[0] - found.start[0])
    off = CENTRE + GRID.offset - found.start[0]
    assert abs(along[0] * off[1] - along[1] * off[0]) < 0.15
    assert np.linalg.norm(found.end[0] - found.start[0]) > 13.0


@given(st.floats(-2.5, 2.5), st.sampled_from(list(PARTIALS)), st.integers(0, 99))
@settings(max_examples=4, deadline=None, derandomize=True)
def test_found_wherever_it_lies(offset, plane, seed):
    point = CENTRE + [offset, 0.0]
    found = find(count(faulted(plane, point), 10.0, seed))
    assert len(found.error) == 1
    expected = right_hand_shift(found, 0, plane, np.array(plane) / 3)
    np.testing.assert_allclose(found.indices[0], expected, atol=1e-12)
    exact = HKL[:3] @ expected
    assert np.abs(wrap(VECTORS[:3] @ found.shift[0] - exact)).max() < 0.01


def test_fault_that_ends_in_a_partial():
    shift = LATTICE * np.array(PARTIALS[1, -1, 1]) / 6 @ ORIENTATION_110.T
    atoms, core = dislocate_crystal(crystal(), CENTRE[None] - 2.0, shift[None], STIFFNESS)
    found = find(count(atoms, 30.0))
    assert len(found.error) == 1
    np.testing.assert_array_equal(found.plane[0], [1, -1, 1])
    assert np.linalg.norm(np.abs(found.indices[0]) - 1 / 3) < 1e-12
    ends = np.array([found.start[0], found.end[0]]) - GRID.offset
    assert np.linalg.norm(ends - core, axis=1).min() < 1.8


def test_antiphase_boundary_without_a_phase():
    """Any shift that is no lattice vector: here one that opens the plane by a tenth of a nm."""
    plane = (1, -1, 1)
    shift = 0.1 * in_image(plane) / np.linalg.norm(in_image(plane))
    atoms = crystal()
    atoms[:, :2] = shift_half(atoms[:, :2], CENTRE, in_image(plane), shift)
    found = find(count(atoms, 30.0), region=lattice(indexed=False), translations=None)
    assert len(found.error) == 1
    assert np.isnan(found.plane).all() and np.isnan(found.indices).all()
    expected = right_hand_shift(found, 0, plane, shift)
    np.testing.assert_allclose(found.shift[0], expected, atol=0.006)


@pytest.mark.parametrize("dose", [1.0, 10.0, 100.0])
def test_perfect_crystal_has_none(dose):
    for seed in range(4):
        assert len(find(count(crystal(), dose, seed)).error) == 0


def test_dislocations_are_none():
    burgers = LATTICE * np.array([[0.5, -0.5, 0.0], [0.5, 0.0, 0.5]]) @ ORIENTATION_110.T
    for seed, dose in enumerate((3.0, 100.0)):
        cores = np.array([[5.0, 7.0], [9.0, 8.0]])
        atoms, _ = dislocate_crystal(crystal(), cores, burgers, STIFFNESS)
        assert len(find(count(atoms, dose, seed)).error) == 0


def test_coherent_layer_of_another_spacing_is_none():
    """A layer of 4 nm in which (004) is 2 % wider shifts the crystal beyond by .08 nm."""
    atoms = crystal()
    inside = np.clip(atoms[:, 1] - CENTRE[1] + 2.0, 0.0, 4.0)
    atoms[:, 1] += 0.02 * inside
    assert len(find(count(atoms, 100.0)).error) == 0


def test_end_of_a_lattice_is_none():
    image = count(crystal(), 100.0)
    image[150:] = np.random.default_rng(3).poisson(100.0, (170, SHAPE[1]))
    assert len(find(image).error) == 0


@given(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_shift_is_found_modulo_lattice_vectors(x, y):
    jumps = wrap(-VECTORS @ [x, y])
    known = translations_in_image(VECTORS, HKL, CUBIC)
    shift = fit_shift(jumps, np.full(6, 0.002), VECTORS, known)
    assert shift.misfit < 1e-6
    np.testing.assert_allclose(wrap(VECTORS @ (shift.vector - [x, y])), 0.0, atol=1e-6)
    assert np.linalg.norm(shift.vector) <= np.hypot(x, y) + 1e-9
    assert fit_shift(jumps[:1], np.ones(1), VECTORS[:1], known) is None


def test_names():
    shear = in_image(np.array([-1, 1, 2]) / 6)
    named = name_shift(shear, 0.001, VECTORS, HKL, BASE)
    np.testing.assert_allclose(named, np.array([1, -1, 1]) / 3)
    assert np.isnan(name_shift(np.array([0.07, 0.03]), 0.001, VECTORS, HKL, BASE)).all()
    normal = in_image([1, -1, -1]) / np.linalg.norm(in_image([1, -1, -1]))
    np.testing.assert_array_equal(name_plane(normal, VECTORS, HKL), [1, -1, -1])
    np.testing.assert_array_equal(name_plane(-normal, VECTORS, HKL), [1, -1, -1])
    turned = np.array([np.cos(1.25), np.sin(1.25)])
    assert np.isnan(name_plane(turned, VECTORS, HKL)).all()

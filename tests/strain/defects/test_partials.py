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
    stack_diamond_planes,
)
from hyperspy_twin.simulation.imaging import add_gaussians
from hyperspy_twin.strain import RegionLattice
from hyperspy_twin.strain.defects import Translations, find_block, find_dislocations
from hyperspy_twin.strain.defects.burgers import list_partials
from hyperspy_twin.strain.defects.partials import _axis_of_partial, _zero_of_partial

LATTICE, PIXEL, WIDTH, SHAPE = 0.5658, 0.045, 0.065, (448, 448)
GRID = Grid(SHAPE, (PIXEL, PIXEL), (3.0, -1.0))
STIFFNESS = cubic_stiffness((128.5, 48.3, 66.8), ORIENTATION_110)  # GPa, germanium
HKL = np.array([[1, -1, 1], [1, -1, -1], [2, -2, 0], [0, 0, 4], [1, -1, 3], [1, -1, -3]])
VECTORS = (HKL @ ORIENTATION_110.T / LATTICE)[:, :2]
CUBIC = Translations(
    np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]), 10 * LATTICE * np.eye(3)
)
LOMER = [0.5, -0.5, 0.0]
# Of 90 and of 30 degrees in (1 -1 1). The windings of the former are those of 1/2[1 0 -1] or its
# opposite, the latter have none.
SHOCKLEY = [[1, -1, -2], [-1, 1, 2], [2, 1, -1], [-2, -1, 1]]


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


def record(cores, burgers, dose, seed=0):
    """Counts of germanium. A dislocation that is no lattice vector leaves a fault against it."""
    high = PIXEL * SHAPE[0] + 2.0
    planes = np.arange(-15, int(high / LATTICE * 4))
    atoms, _ = stack_diamond_planes(
        high - planes * LATTICE / 4, planes, period=LATTICE / np.sqrt(2), x_range=(-2.0, high),
        thickness=LATTICE / np.sqrt(2),
    )  # fmt: skip
    vectors = LATTICE * np.array(burgers, float).reshape(-1, 3) @ ORIENTATION_110.T
    atoms, cores = dislocate_crystal(atoms, np.reshape(cores, (-1, 2)), vectors, STIFFNESS)
    image = np.zeros(SHAPE)
    widths = np.full(len(atoms), WIDTH / PIXEL)
    add_gaussians(image, atoms[:, :2] / PIXEL, np.ones(len(atoms)), widths)
    image *= dose / image.mean()
    return np.random.default_rng(seed).poisson(image).astype(np.float32), cores + GRID.offset


def find(image, region=None, translations=CUBIC):
    labels = np.ones(SHAPE, int)
    block = find_block({1: region or lattice()}, labels, GRID, reference=1, resolution=0.45)
    return find_dislocations(image, GRID, block, resolution=0.45, translations=translations)


@pytest.mark.parametrize("sixths", SHOCKLEY)
def test_end_of_a_stacking_fault_beside_a_perfect_dislocation(sixths):
    partial = np.array(sixths) / 6
    side = np.sign(in_image(partial)[1])
    cores = [[10.1, 10.1], [10.1 + 5.0 * side, 10.1 - 3.0 * side]]
    image, cores = record(cores, [partial, LOMER], 10.0)
    found = find(image)
    assert sorted(found.partial) == [False, True]
    order = np.argsort(~found.partial)
    readings = found.indices[order][0], found.alternative[order][0]
    assert any(np.allclose(one, partial) for one in readings)
    np.testing.assert_allclose(
        found.burgers[order], [in_image(partial), in_image(LOMER)], atol=1e-3
    )
    np.testing.assert_allclose(found.indices[order][1], LOMER)
    off = np.linalg.norm(found.position[order] - cores, axis=1)
    assert off[0] < 0.45 and off[1] < 0.15
    assert 0.1 < found.error[order][0] < 0.2


@given(st.floats(8.5, 11.5), st.floats(8.5, 11.5), st.integers(0, 3), st.integers(0, 99))
@settings(max_examples=4, deadline=None, derandomize=True)
def test_partial_wherever_it_lies(x, y, kind, seed):
    partial = np.array(SHOCKLEY[kind]) / 6
    image, cores = record([x, y], partial, 20.0, seed)
    found = find(image)
    assert found.partial.tolist() == [True]
    assert any(np.allclose(one[0], partial) for one in (found.indices, found.alternative))
    assert np.linalg.norm(found.position - cores) < 0.45


def test_fault_across_the_field_has_no_end():
    for dose in (1.0, 30.0):
        image, _ = record([-40.0, -60.0], np.array(SHOCKLEY[1]) / 6, dose)
        assert len(find(image).error) == 0


def test_waves_that_jump_by_half_a_turn_say_nothing_of_the_burgers_vector():
    """Their jumps may be wrapped to either side; what is left is right or withheld."""
    burgers = [0.25, -0.25, 0.0]
    image, cores = record([10.1, 10.1], burgers, 30.0)
    found = find(image)
    assert found.partial.tolist() == [True]
    assert np.isfinite(found.position).all()
    assert np.linalg.norm(found.position - cores) < 2 * found.error[0]
    if np.isfinite(found.burgers).all():
        np.testing.assert_allclose(found.burgers[0], in_image(burgers), atol=0.02)


def test_without_a_phase_the_partial_is_known_in_the_image():
    partial = np.array(SHOCKLEY[0]) / 6
    image, _ = record([10.1, 10.1], partial, 30.0)
    found = find(image, region=lattice(indexed=False), translations=None)
    assert found.partial.tolist() == [True] and np.isnan(found.indices).all()
    np.testing.assert_allclose(found.burgers[0], in_image(partial), atol=0.02)


def test_names_of_what_a_fault_leaves():
    """1/3[1 -1 1] modulo a lattice vector: the Shockley partials, then those that are longer."""
    candidates = list_partials(VECTORS, HKL, CUBIC, np.array([1.0, -1.0, 1.0]) / 3)
    length = np.linalg.norm(candidates.indices, axis=1)
    np.testing.assert_allclose(length[:2], np.sqrt(6) / 6)
    assert (length[2:] > 0.5).all()
    both = np.concatenate([candidates.indices[:2], candidates.alternative[:2]])
    sixths = {tuple(np.rint(6 * one)) for one in both if np.isfinite(one).all()}
    assert sixths == {(-1, 1, 2), (2, 1, -1), (-1, -2, -1)}
    np.testing.assert_allclose(candidates.turns, -candidates.indices @ HKL.T, atol=1e-9)


@pytest.mark.parametrize("fraction", [0.2, 0.33, 0.67, 0.9])
def test_windowed_wave_around_an_ideal_partial(fraction):
    """In the core it is the mean over all angles, and far away the mean of both sides."""
    steps, wave = _axis_of_partial(fraction)
    middle = np.sin(np.pi * fraction) / (np.pi * fraction)
    assert wave[steps == 0.0][0] == pytest.approx(middle, abs=0.02)
    assert wave[0] == pytest.approx(1.0, abs=0.02)
    # The mean of |y| in the window is sqrt(2 / pi): the angle there is pi less that over x.
    angle = np.pi * fraction
    expected = np.cos(angle) + fraction * np.sin(angle) * np.sqrt(2 / np.pi) / steps[-1]
    assert wave[-1] == pytest.approx(expected, abs=0.01)


def test_zero_of_a_partial_lies_in_the_fault():
    assert _zero_of_partial(1.0) == pytest.approx(0.0, abs=0.05)
    assert 0.5 < _zero_of_partial(0.67) < 1.1
    assert _zero_of_partial(1.33) < -0.2

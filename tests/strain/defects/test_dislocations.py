from __future__ import annotations

from dataclasses import replace

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
from hyperspy_twin.strain.defects.burgers import list_candidates, match_burgers
from hyperspy_twin.strain.defects.windings import winding_number

LATTICE, PIXEL, WIDTH, SHAPE = 0.5658, 0.045, 0.065, (320, 320)
GRID = Grid(SHAPE, (PIXEL, PIXEL), (3.0, -1.0))
STIFFNESS = cubic_stiffness((128.5, 48.3, 66.8), ORIENTATION_110)  # GPa, germanium
HKL = np.array([[1, -1, 1], [1, -1, -1], [2, -2, 0], [0, 0, 4], [1, -1, 3], [1, -1, -3]])
VECTORS = (HKL @ ORIENTATION_110.T / LATTICE)[:, :2]
CUBIC = Translations(
    np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]), 10 * LATTICE * np.eye(3)
)
LOMER, SIXTY = [0.5, -0.5, 0.0], [0.5, 0.0, 0.5]


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
    """Counts of germanium with dislocations, and where these are."""
    high = PIXEL * SHAPE[0] + 2.0
    planes = np.arange(-15, int(high / LATTICE * 4))
    atoms, _ = stack_diamond_planes(
        high - planes * LATTICE / 4, planes, period=LATTICE / np.sqrt(2), x_range=(-2.0, high),
        thickness=LATTICE / np.sqrt(2),
    )  # fmt: skip
    vectors = LATTICE * np.array(burgers).reshape(-1, 3) @ ORIENTATION_110.T
    atoms, cores = dislocate_crystal(atoms, np.reshape(cores, (-1, 2)), vectors, STIFFNESS)
    image = np.zeros(SHAPE)
    widths = np.full(len(atoms), WIDTH / PIXEL)
    add_gaussians(image, atoms[:, :2] / PIXEL, np.ones(len(atoms)), widths)
    image *= dose / image.mean()
    return np.random.default_rng(seed).poisson(image).astype(np.float32), cores + GRID.offset


def find(image, labels=None, resolution=0.45, region=None, translations=CUBIC):
    labels = np.ones(SHAPE, int) if labels is None else labels
    regions = {int(n): region or lattice() for n in np.unique(labels[labels > 0])}
    block = find_block(regions, labels, GRID, reference=1, resolution=resolution)
    return find_dislocations(image, GRID, block, resolution=resolution, translations=translations)


@pytest.mark.parametrize("dose", [3.0, 100.0])
@pytest.mark.parametrize("burgers", [LOMER, [-0.5, 0.5, 0.0], SIXTY, [0.0, -0.5, 0.5]])
def test_position_and_burgers_vector(burgers, dose):
    image, cores = record([7.1, 7.3], burgers, dose)
    found = find(image)
    assert len(found.error) == 1
    readings = found.indices[0], found.alternative[0]
    assert any(np.allclose(one, burgers) for one in readings)
    expected = (LATTICE * np.array(burgers) @ ORIENTATION_110.T)[:2]
    np.testing.assert_allclose(found.burgers[0], expected, atol=1e-3)
    assert np.linalg.norm(found.position - cores) < 0.15
    assert 0.02 < found.error[0] < 0.2
    assert 0.99 < found.probability[0] <= 1.0


@given(st.floats(4.5, 10.0), st.floats(4.5, 10.0), st.integers(0, 3), st.integers(0, 99))
@settings(max_examples=4, deadline=None, derandomize=True)
def test_found_wherever_it_lies(x, y, kind, seed):
    burgers = [LOMER, SIXTY, [-0.5, 0.0, 0.5], [0.0, 0.5, 0.5]][kind]
    image, cores = record([x, y], burgers, 20.0, seed)
    found = find(image)
    assert len(found.error) == 1
    assert any(np.allclose(one[0], burgers) for one in (found.indices, found.alternative))
    assert np.linalg.norm(found.position - cores) < 0.2


def test_opposite_pair_is_told_apart():
    image, cores = record([[5.5, 7.0], [8.5, 7.0]], [LOMER, [-0.5, 0.5, 0.0]], 30.0)
    found = find(image)
    order = found.position[:, 0].argsort()
    np.testing.assert_allclose(found.indices[order], [LOMER, [-0.5, 0.5, 0.0]])
    assert np.linalg.norm(found.position[order] - cores, axis=1).max() < 0.2


def test_outline_through_the_core_does_not_hide_it():
    image, cores = record([7.1, 7.3], LOMER, 30.0)
    labels = np.ones(SHAPE, int)
    labels[162:] = 2
    labels[158:164] = 0
    found = find(image, labels)
    assert len(found.error) == 1
    assert np.linalg.norm(found.position - cores) < 0.15


@pytest.mark.parametrize("dose", [1.0, 10.0, 100.0])
def test_perfect_crystal_has_none(dose):
    for seed in range(4):
        image, _ = record([], [], dose, seed)
        assert len(find(image).error) == 0


def test_edge_of_noise_has_none():
    image, _ = record([], [], 100.0)
    random = np.random.default_rng(3)
    image[150:] = random.poisson(100.0, (170, SHAPE[1]))
    assert len(find(image).error) == 0


def test_end_on_screw_is_invisible():
    image, _ = record([7.0, 7.0], [0.5, 0.5, 0.0], 100.0)
    assert len(find(image).error) == 0


def test_without_a_phase_the_burgers_vector_is_in_the_image_only():
    image, _ = record([7.1, 7.3], LOMER, 30.0)
    found = find(image, region=lattice(indexed=False), translations=None)
    assert len(found.error) == 1
    assert np.isnan(found.indices).all() and np.isnan(found.alternative).all()
    np.testing.assert_allclose(found.burgers[0], [LATTICE / np.sqrt(2), 0.0], atol=5e-3)


def test_reference_without_lattice_is_refused():
    region = RegionLattice(lattice().peaks, "amorphous", False)
    with pytest.raises(ValueError, match="region 1 shows no lattice"):
        find_block({1: region}, np.ones(SHAPE, int), GRID, reference=1, resolution=0.45)


def test_carriers_lie_in_the_middle_of_the_regions():
    own, other = lattice(), lattice()
    peaks = other.peaks
    larger = replace(peaks, position=-0.92 * peaks.position)
    regions = {1: own, 2: RegionLattice(larger, "single crystal", True)}
    labels = np.ones(SHAPE, int)
    labels[:100] = 2
    block = find_block(regions, labels, GRID, reference=1, resolution=0.45)
    assert block.regions == (1, 2) and block.mask.all()
    np.testing.assert_allclose(block.carriers, 0.96 * block.vectors, rtol=1e-9)
    np.testing.assert_allclose((block.hkl @ ORIENTATION_110.T / LATTICE)[:, :2], block.vectors)


@given(st.lists(st.integers(-1, 1), min_size=2, max_size=6))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_windings_of_vortices_are_counted(signs):
    y, x = np.mgrid[:30, : 10 * len(signs)] + 0.25
    field = np.ones(x.shape, complex)
    for number, sign in enumerate(signs):
        field *= np.exp(1j * sign * np.arctan2(y - 14.6, x - 10 * number - 4.6))
    turns = winding_number(field)
    assert np.array_equal(turns[14, 4::10], signs)
    assert np.abs(turns).sum() == np.abs(signs).sum()


def test_absent_and_weak_waves_do_not_outvote():
    candidates = list_candidates(VECTORS, HKL, CUBIC)
    np.testing.assert_allclose(np.abs(candidates.indices[0]).sum(), 1.0)
    true = np.array([-1.0, -1.0, -2.0, 0.0, -1.0, -1.0])
    absent = np.where([True, True, False, True, False, False], true, np.nan)
    equal = np.ones(6)
    for turns in (true, absent):
        best = match_burgers(turns, equal, VECTORS, candidates)
        np.testing.assert_allclose(candidates.indices[best], LOMER)
    wrong = np.where(np.arange(6) == 2, 0.0, true)
    assert match_burgers(wrong, equal, VECTORS, candidates) is None
    weak = np.where(np.arange(6) == 2, 0.05, 1.0)
    best = match_burgers(wrong, weak, VECTORS, candidates)
    np.testing.assert_allclose(candidates.indices[best], LOMER)
    only = np.where(np.arange(6) == 0, true, np.nan)
    assert match_burgers(only, equal, VECTORS, candidates) is None

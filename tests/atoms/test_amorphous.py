from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_twin.atoms.amorphous import closest_distance, fill_amorphous, parse_material
from hyperspy_twin.core import place_apart

BOUNDS = {3: (1.0, 1.0, 6.0, 6.0)}


def disc(points):
    return np.where(np.hypot(*(points - 3.5).T) < 2.5, 3, 0)


def fill(material, seed=0, crystal=None, thickness=20.0):
    crystal = np.empty((0, 3)) if crystal is None else crystal
    return fill_amorphous(
        {3: material}, disc, BOUNDS, positions=crystal, thickness=thickness, seed=seed
    )


@pytest.mark.parametrize(
    ("material", "per_nm3"), [(("SiO2", 2.2), 66.15), (("Ge", 5.1), 42.29), (("C", 2.0), 100.28)]
)
def test_density_composition_and_distances(material, per_nm3):
    numbers, density = parse_material(material)
    assert 1000 * density == pytest.approx(per_nm3, rel=1e-3)
    positions, found, region = fill(material)
    volume = np.pi * 2.5**2 * 2.0
    assert len(positions) / volume == pytest.approx(per_nm3, rel=0.01)
    assert set(region) == {3} and np.all(disc(positions[:, :2] / 10) == 3)
    for element in set(numbers.tolist()):
        share = np.mean(numbers == element)
        assert np.mean(found == element) == pytest.approx(share, abs=1 / len(found) + 1e-9)
    images = np.concatenate([positions + [0, 0, 20.0 * k] for k in (-1, 0, 1)])
    distance, _ = cKDTree(images).query(positions, k=2)
    assert distance[:, 1].min() >= closest_distance(numbers, density)
    assert positions[:, 2].min() >= 0 and positions[:, 2].max() < 20


def test_silica_keeps_its_bond_and_a_metal_what_fits():
    assert closest_distance(*parse_material(("SiO2", 2.2))) == pytest.approx(1.59, abs=0.01)
    numbers, density = parse_material(("CuZr", 7.2))
    closest = closest_distance(numbers, density)
    assert np.pi / 6 * closest**3 * density == pytest.approx(0.34)
    assert 2.0 < closest < 2.5


def test_same_seed_same_atoms_and_room_for_the_crystal():
    crystal = np.random.default_rng(1).random((200, 3)) * [60, 30, 20]
    first, second, other = (fill(("Ge", 5.1), seed, crystal)[0] for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[:10], other[:10])
    images = np.concatenate([crystal + [0, 0, 20.0 * k] for k in (-1, 0, 1)])
    closest = closest_distance(*parse_material(("Ge", 5.1)))
    assert cKDTree(images).query(first)[0].min() >= closest


def test_kernel_is_what_it_compiles():
    trials = np.random.default_rng(0).random((300, 3)) * [6, 6, 4]
    results = []
    for function in (place_apart, place_apart.py_func):
        placed, cells = np.zeros((40, 3)), np.full((9, 9, 5), -1)
        edge = np.array([1.4 / 3**0.5, 1.4 / 3**0.5, 0.8])
        results.append((function(trials, placed, cells, edge, 0, 1.4, True), placed, cells))
    assert results[0][0] == results[1][0] > 10
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("material", ["SiO2", ("Qq", 2.0), ("SiO2", -1.0), ("SiO2", "thick")])
def test_wrong_material(material):
    with pytest.raises(ValueError, match=r"amorphous material|density|g/cm"):
        parse_material(material)

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_twin.core import place_apart
from hyperspy_twin.simulation.packing import GLASSES, fill_glass


@pytest.mark.parametrize("name", sorted(GLASSES))
def test_glass_has_its_density_distance_and_composition(name):
    glass = GLASSES[name]
    low, high = (-5.0, 2.0, 0.0), (45.0, 42.0, 30.0)
    positions, numbers = fill_glass(low, high, glass=glass, random=np.random.default_rng(0))
    grams = len(positions) / len(glass.numbers) * glass.molar_mass / 6.02214076e23
    assert grams / (50 * 40 * 30 * 1e-24) == pytest.approx(glass.density, rel=1e-3)
    assert cKDTree(positions).query(positions, k=2)[0][:, 1].min() >= glass.closest
    assert np.all(positions >= low)
    assert np.all(positions <= high)
    for number in set(glass.numbers):
        share = glass.numbers.count(number) / len(glass.numbers)
        assert np.mean(numbers == number) == pytest.approx(share, abs=1e-3)


def test_same_random_numbers_give_the_same_glass():
    box = (0.0, 0.0, 0.0), (20.0, 20.0, 20.0)
    first = fill_glass(*box, glass=GLASSES["C"], random=np.random.default_rng(3))
    again = fill_glass(*box, glass=GLASSES["C"], random=np.random.default_rng(3))
    other = fill_glass(*box, glass=GLASSES["C"], random=np.random.default_rng(4))
    assert np.array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])


def test_placing_agrees_with_plain_python():
    trials = np.random.default_rng(0).random((300, 3)) * 8
    results = []
    for function in (place_apart, place_apart.py_func):
        placed, cells = np.zeros((100, 3)), np.full((9, 9, 9), -1, np.int32)
        results.append(
            (function(trials, placed, cells, np.full(3, 1.6 / 3**0.5), 0, 1.6, False), placed)
        )
    assert results[0][0] == results[1][0] > 20
    assert np.array_equal(results[0][1], results[1][1])

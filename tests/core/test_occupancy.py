from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import draw_elements, merge_sites


def test_entries_that_share_a_position_become_one_site():
    fractional = [[0, 0, 0], [0.5, 0.5, 0.5], [1.0, 0, -1e-12], [0.25, 0.25, 0.25]]
    sites = merge_sites(np.array([14, 8, 32, 7]), fractional, [0.7, 1, 0.3, 0.9])
    np.testing.assert_allclose(sites.fractional, np.array(fractional)[[0, 1, 3]])
    assert sites.numbers.tolist() == [[14, 32], [8, 0], [7, 0]]
    np.testing.assert_allclose(sites.probability, [[0.7, 0.3], [1, 0], [0.9, 0]])


def test_fractions_and_vacancies_are_those_asked_for():
    sites = merge_sites(
        np.array([14, 32, 8, 7]),
        np.array([[0, 0, 0]] * 2 + [[0.5] * 3, [0.25] * 3]),
        [0.7, 0.3, 1, 0.9],
    )
    count = 40_000
    site = np.arange(3 * count) % 3
    numbers, occupancy = draw_elements(site, sites, np.random.default_rng(3))
    assert np.all(numbers[site == 1] == 8)
    error = 4 * np.sqrt(0.25 / count)
    assert np.mean(numbers[site == 0] == 32) == pytest.approx(0.3, abs=error)
    assert np.mean(numbers[site == 0] == 14) == pytest.approx(0.7, abs=error)
    assert np.mean(numbers[site == 2] == 0) == pytest.approx(0.1, abs=error)
    assert np.all(occupancy[numbers == 32] == np.float32(0.3))
    again, _ = draw_elements(site, sites, np.random.default_rng(3))
    np.testing.assert_array_equal(numbers, again)


def test_impossible_sites():
    with pytest.raises(ValueError, match="occupied 1.200 times"):
        merge_sites(np.array([14, 32]), np.zeros((2, 3)), [0.6, 0.6])
    with pytest.raises(ValueError, match="occupancies must be"):
        merge_sites(np.array([14]), np.zeros((1, 3)), [0.0])
    with pytest.raises(ValueError, match="atomic numbers"):
        merge_sites(np.array([0]), np.zeros((1, 3)), [1.0])

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.registration.beam_repeat import (
    count_repeats,
    find_beam_translation,
    find_repeat_cell,
    find_translations,
)

ORDERS = {
    "fcc": 4,
    "bcc": 2,
    "diamond": 4,
    "zincblende": 4,
    "rocksalt": 4,
    "hexagonal": 1,
    "chiral": 1,
}
CUBIC_REPEATS = {
    # length in units of a: F lattices halve all-even or mixed sums, I lattices all-odd directions
    "fcc": {(1, 0, 0): 1, (1, 1, 0): 0.5, (1, 1, 1): 1, (1, 1, 2): 0.5, (1, 2, 3): 0.5},
    "diamond": {(1, 0, 0): 1, (1, 1, 0): 0.5, (1, 1, 1): 1, (1, 1, 2): 0.5, (1, 0, 3): 0.5},
    "rocksalt": {(1, 0, 0): 1, (1, 1, 0): 0.5, (1, 1, 1): 1},
    "bcc": {(1, 0, 0): 1, (1, 1, 0): 1, (1, 1, 1): 0.5, (1, 1, 3): 0.5, (1, 1, 2): 1},
}


@pytest.mark.parametrize("name", ORDERS)
def test_number_of_translations(crystals, name):
    order, steps = find_translations(crystals[name])
    assert order == ORDERS[name]
    assert steps.shape == (order, 3)


@pytest.mark.parametrize(
    ("name", "zone", "factor"),
    [(name, zone, f) for name, zones in CUBIC_REPEATS.items() for zone, f in zones.items()],
)
def test_cubic_repeat(crystals, name, zone, factor):
    crystal = crystals[name]
    expected = factor * np.array(zone) @ crystal.base
    found = find_beam_translation(crystal, crystal.base, zone)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    twice = find_beam_translation(crystal, crystal.base, 2 * np.array(zone))
    np.testing.assert_allclose(twice, expected, atol=1e-9)


def test_hexagonal_repeat(crystals):
    crystal = crystals["hexagonal"]
    for zone, length in (((0, 0, 1), 5.2), ((1, 0, 0), 3.2), ((2, 1, 0), 3.2 * 3**0.5)):
        vector = find_beam_translation(crystal, crystal.base, zone)
        assert np.linalg.norm(vector) == pytest.approx(length)


def test_occupancy_breaks_a_translation(crystals):
    crystal = crystals["bcc"]
    half = replace(crystal, occupancy=(1, 0.5))
    ordered = find_beam_translation(half, half.base, (1, 1, 1))
    np.testing.assert_allclose(ordered, [2.866] * 3)
    coarse = np.round(crystals["hexagonal"].fractional, 4)
    assert find_translations(replace(crystals["hexagonal"], fractional=coarse))[0] == 1


def test_rhombohedral_cell_with_rounded_thirds(make_crystal):
    fractional = np.round([[0, 0, 0], [2 / 3, 1 / 3, 1 / 3], [1 / 3, 2 / 3, 2 / 3]], 4)
    bismuth = make_crystal("Bi", (3.2, 5.2), [83] * 3, fractional)
    assert find_translations(bismuth)[0] == 3
    vector = find_beam_translation(bismuth, bismuth.base, (2, 1, 1))
    np.testing.assert_allclose(vector, np.array([2, 1, 1]) @ bismuth.base / 3, atol=1e-9)


@pytest.mark.parametrize(
    ("thickness", "expected"), [(5.0, 13), (0.01, 1), (0.384, 1), (0.57, 1), (0.58, 2)]
)
def test_nearest_whole_number_of_repeats(thickness, expected):
    assert count_repeats(3.8403, thickness) == expected


@pytest.mark.parametrize("thickness", [0.0, -1.0, np.nan, np.inf])
def test_impossible_thickness(thickness):
    with pytest.raises(ValueError, match="thickness must be"):
        count_repeats(3.84, thickness)
    with pytest.raises(ValueError, match="repeat length"):
        count_repeats(0.0, 5.0)


directions = st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(-3, 3)).filter(any)


@settings(max_examples=60, deadline=None)  # the first call compiles
@given(st.sampled_from(sorted(ORDERS)), directions, st.floats(0, 360))
def test_repeat_cell_is_the_same_crystal(crystals, orient, name, zone, angle):
    crystal = crystals[name]
    lattice = crystal.base @ orient(crystal.base, zone, angle).T
    cell = find_repeat_cell(crystal, lattice, zone)
    order = ORDERS[name]
    assert np.linalg.det(cell.base) == pytest.approx(np.linalg.det(lattice) / order)
    assert len(cell.sites.numbers) * order == len(crystal.numbers)
    np.testing.assert_allclose(cell.base[2, :2], 0, atol=1e-12)
    beam = find_beam_translation(crystal, lattice, zone)
    assert cell.length == pytest.approx(np.linalg.norm(beam))
    first, second = cell.plane
    assert abs(first @ second) <= 0.5 * first @ first * (1 + 1e-6)
    assert first @ first <= second @ second * (1 + 1e-9)
    # Every site of the new cell is a site of the old one, of the same element.
    back = cell.sites.fractional @ cell.base @ np.linalg.inv(lattice)
    for number, point in zip(cell.sites.numbers[:, 0], back, strict=True):
        away = point - np.asarray(crystal.fractional)[crystal.numbers == number]
        assert np.abs(away - np.rint(away)).max(axis=1).min() < 1e-9


def test_wrong_input(crystals, orient, make_crystal):
    crystal = crystals["diamond"]
    lattice = crystal.base @ orient(crystal.base, (1, 1, 0)).T
    with pytest.raises(ValueError, match="does not point along the beam"):
        find_repeat_cell(crystal, lattice, (0, 0, 1))
    with pytest.raises(ValueError, match="does not point along the beam"):
        find_repeat_cell(crystal, lattice, (-1, -1, 0))
    with pytest.raises(ValueError, match="right-handed"):
        find_repeat_cell(crystal, -lattice, (1, 1, 0))
    with pytest.raises(ValueError, match="no direction"):
        find_beam_translation(crystal, lattice, (0, 0, 0))
    with pytest.raises(ValueError, match="three integers"):
        find_beam_translation(crystal, lattice, (0.5, 0, 0))
    for distance, message in ((1e-4, "atom twice"), (5e-3, "1 % of the cell")):
        doubled = make_crystal("doubled", 5.0, [14, 14], [[0, 0, 0], [0, 0, distance]])
        with pytest.raises(ValueError, match=message):
            find_repeat_cell(doubled, doubled.base, (0, 0, 1))

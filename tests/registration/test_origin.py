from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import Grid
from hyperspy_twin.registration.origin import (
    _block_sums,
    fit_origin,
    measure_amplitudes,
    shift_by_structure,
)
from hyperspy_twin.registration.virtual_cell import reciprocal_vectors

HKL = np.array(
    [[1, -1, 1], [1, -1, -1], [0, 0, 2], [2, -2, 0], [0, 0, 4], [2, -2, 4], [1, -1, 3], [1, -1, -3]]
)
GRID = Grid((220, 260), (0.025, 0.025), (12.0, -3.0))


def in_plane_distance(first, second, lattice, hkl):
    """Return the distance between two points modulo the period of the reflections."""
    phase = (np.array(first) - second) @ reciprocal_vectors(lattice, hkl).T
    rest = phase - np.rint(phase)
    return np.linalg.lstsq(reciprocal_vectors(lattice, hkl), rest, rcond=None)[0]


def column_image(lattice, crystal, weights, origin, grid=GRID, displacement=(0.0, 0.0)):
    """Draw round columns of 60 pm width, each at origin + x_j + u(r)."""
    indices = np.arange(-8, 9)
    cells = np.array(np.meshgrid(indices, indices, indices)).reshape(3, -1).T
    cells = cells[np.abs(cells[:, 0] + cells[:, 1]) < 2]
    sites = (cells[:, None] + crystal.fractional).reshape(-1, 3) @ lattice / 10
    brightness = np.tile(weights, len(cells))
    columns, where = np.unique(np.round(sites[:, :2], 6), axis=0, return_inverse=True)
    total = np.zeros(len(columns))
    np.maximum.at(total, where.ravel(), brightness)
    centre = np.array(grid.offset) + np.array(grid.extent) / 2
    nearest = np.linalg.inv(reciprocal_vectors(lattice, [[1, -1, 1], [1, -1, -1]])).T
    shift = np.rint((centre - origin) @ np.linalg.inv(nearest)) @ nearest
    u_x, u_y = displacement
    x = grid.x[None, :] - u_x
    y = grid.y[:, None] - u_y
    image = np.full(grid.shape, 3.0)
    for (column_x, column_y), value in zip(columns + shift + origin, total, strict=True):
        near = (x - column_x) ** 2 + (y - column_y) ** 2
        image += value * np.exp(-near / (2 * 0.06**2))
    return image


@pytest.fixture(scope="module")
def zincblende(crystals, orient):
    crystal = crystals["zincblende"]
    return crystal, crystal.base @ orient(crystal.base, (1, 1, 0), 20).T


@settings(max_examples=40)
@given(st.floats(-40, 40), st.floats(-40, 40), st.floats(0, 360))
def test_exact_amplitudes_give_the_exact_origin(crystals, orient, x, y, angle):
    crystal = crystals["zincblende"]
    lattice = crystal.base @ orient(crystal.base, (1, 1, 0), angle).T
    weights = crystal.numbers**1.7
    structure = np.exp(-2j * np.pi * HKL @ np.transpose(crystal.fractional)) @ weights
    g = reciprocal_vectors(lattice, HKL)
    amplitudes = structure * np.exp(-2j * np.pi * g @ [x, y])
    found = fit_origin(crystal, lattice, hkl=HKL, amplitudes=amplitudes, near=(x, y))
    np.testing.assert_allclose(found.position, (x, y), atol=1e-8)
    assert found.merit == pytest.approx(1)
    assert 0 < found.margin < 1


def exact_amplitudes(crystal, lattice, *places):
    """Amplitudes of copies of a crystal with their origins at these places."""
    brightness = crystal.numbers.astype(float) ** 1.7
    structure = np.exp(-2j * np.pi * (HKL @ np.asarray(crystal.fractional).T)) @ brightness
    phases = np.array(places) @ reciprocal_vectors(lattice, HKL).T
    return structure * np.exp(-2j * np.pi * phases).sum(axis=0)


@settings(max_examples=10)
@given(st.integers(0, 1000), st.floats(-40, 40), st.floats(-40, 40))
def test_of_equal_maxima_the_nearest_whatever_the_last_digits(zincblende, seed, x, y):
    crystal, lattice = zincblende
    last_digits = 1 + 1e-14 * np.random.default_rng(seed).normal(size=(2, len(HKL)))
    places = np.array([[x, y], [x + 0.12, y + 0.17]])
    amplitudes = exact_amplitudes(crystal, lattice, *places)
    for own, other in (places, places[::-1]):
        near = tuple(own + 0.01)
        found = [
            fit_origin(
                crystal, lattice, hkl=HKL, amplitudes=amplitudes * factor, near=near
            ).position
            for factor in last_digits
        ]
        np.testing.assert_allclose(*found, atol=1e-7)
        distance = [
            np.linalg.norm(in_plane_distance(found[0], place, lattice, HKL))
            for place in (own, other)
        ]
        assert distance[0] < distance[1]


@settings(max_examples=10)
@given(st.floats(-1e-12, 1e-12))
def test_origins_at_the_same_distance_are_one_answer(zincblende, last_digits):
    crystal, lattice = zincblende
    place = np.array([1.0, 2.0])
    amplitudes = exact_amplitudes(crystal, lattice, place)
    period = np.linalg.inv(reciprocal_vectors(lattice, HKL[:2])).T
    found = [
        fit_origin(crystal, lattice, hkl=HKL, amplitudes=amplitudes, near=tuple(near)).position
        for near in (place + (0.5 + sign * last_digits) * period[0] for sign in (-1, 0, 1))
    ]
    np.testing.assert_allclose(found, [found[0]] * 3, atol=1e-7)


def test_origin_of_a_simulated_image_within_a_picometre(zincblende):
    crystal, lattice = zincblende
    weights = crystal.numbers**1.7
    origin = np.array([14.321, -0.777])
    image = column_image(lattice, crystal, weights, origin)
    g = reciprocal_vectors(lattice, HKL)
    amplitudes = measure_amplitudes(image, GRID, np.ones(GRID.shape, bool), g=g)
    found = fit_origin(crystal, lattice, hkl=HKL, amplitudes=amplitudes, near=origin)
    np.testing.assert_allclose(found.position, origin, atol=1e-3)
    assert found.merit > 0.99
    # The light and the heavy column of a dumbbell are told apart.
    opposite = replace(crystal, symbols=crystal.symbols[::-1])
    swapped = fit_origin(opposite, lattice, hkl=HKL, amplitudes=amplitudes, near=origin)
    assert swapped.merit < found.merit


def test_displaced_image_refers_to_the_undisplaced_lattice(zincblende):
    crystal, lattice = zincblende
    weights = crystal.numbers**1.7
    origin = np.array([14.5, -0.5])
    x, y = np.meshgrid(GRID.x, GRID.y)
    displacement = np.array([0.1 + 0.01 * (x - 15), -0.06 + 0.008 * (y - x)])
    image = column_image(lattice, crystal, weights, origin, displacement=displacement)
    mask = np.hypot(x - 15.2, y + 0.2) < 2.2
    displacement[:, ~mask] = np.nan
    amplitudes = measure_amplitudes(
        image, GRID, mask, g=reciprocal_vectors(lattice, HKL), displacement=displacement
    )
    found = fit_origin(crystal, lattice, hkl=HKL, amplitudes=amplitudes, near=origin)
    np.testing.assert_allclose(found.position, origin, atol=1e-3)


@pytest.mark.parametrize("columns", [200, 201])
def test_amplitude_of_a_wave(columns):
    grid = Grid((180, columns), (0.03, 0.04), (-1.0, 7.0))
    x, y = np.meshgrid(grid.x, grid.y)
    g = np.array([[3.137, -1.911], [0.4, 4.6]])
    image = 50 + 2 * 0.7 * np.cos(2 * np.pi * (g[0, 0] * x + g[0, 1] * y) + 0.9)
    image[5, 7] = np.nan
    amplitudes = measure_amplitudes(image, grid, np.ones(grid.shape, bool), g=g)
    assert amplitudes[0] == pytest.approx(0.7 * np.exp(0.9j), abs=2e-3)
    assert abs(amplitudes[1]) < 2e-3


def test_block_sums_compiled_and_not():
    rng = np.random.default_rng(1)
    weighted = rng.normal(size=(10, 13))
    wave_x, wave_y = (np.exp(1j * rng.normal(size=size)) for size in (13, 10))
    expected = weighted * wave_x * wave_y[:, None]
    for function in (_block_sums, _block_sums.py_func):
        sums = function(weighted, wave_x, wave_y)
        assert sums.shape == (3, 4)
        assert sums[1, 2] == pytest.approx(expected[4:8, 8:12].sum())
        assert sums.sum() == pytest.approx(expected.sum())


def test_wrong_input(zincblende):
    crystal, lattice = zincblende
    with pytest.raises(ValueError, match="empty"):
        measure_amplitudes(np.ones(GRID.shape), GRID, np.zeros(GRID.shape, bool), g=[[1, 1]])
    with pytest.raises(ValueError, match="shape of the grid"):
        measure_amplitudes(np.ones((3, 3)), GRID, np.ones(GRID.shape, bool), g=[[1, 1]])
    with pytest.raises(ValueError, match="displacement must have"):
        measure_amplitudes(
            np.ones(GRID.shape),
            GRID,
            np.ones(GRID.shape, bool),
            g=[[1, 1]],
            displacement=np.ones(GRID.shape),
        )
    with pytest.raises(ValueError, match="1 direction"):
        fit_origin(crystal, lattice, hkl=HKL[[2, 4]], amplitudes=np.ones(2))
    with pytest.raises(ValueError, match="0 direction"):
        fit_origin(crystal, lattice, hkl=HKL, amplitudes=np.zeros(len(HKL)))
    with pytest.raises(ValueError, match="3 direction"):
        fit_origin(crystal, lattice, hkl=[[2, 2, 0], *HKL], amplitudes=np.ones(len(HKL) + 1))
    with pytest.raises(ValueError, match="integers"):
        fit_origin(crystal, lattice, hkl=HKL + 0.1, amplitudes=np.ones(len(HKL)))
    with pytest.raises(ValueError, match="finite"):
        fit_origin(crystal, lattice, hkl=HKL, amplitudes=np.full(len(HKL), np.nan))
    with pytest.raises(ValueError, match="must be"):
        fit_origin(crystal, lattice, hkl=HKL, amplitudes=np.ones(2))


def test_crystals_are_shifted_by_the_phases_of_their_structure_factors_alone(crystals, zincblende):
    """Elements that are exchanged on all sites alike shift nothing, those of a polar crystal do."""
    silicon, (phosphide, base) = crystals["diamond"], zincblende
    germanium = replace(silicon, symbols=("Ge",) * 8)
    antimonide = replace(phosphide, symbols=("In",) * 4 + ("Sb",) * 4)
    assert shift_by_structure(silicon, germanium, base, HKL) < 1e-12
    assert shift_by_structure(phosphide, antimonide, base, HKL) > 0.005

"""Geometric phase analysis against lattices whose strain is known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis

SPACING = 0.4
SQUARE = np.array([[1 / SPACING, 0.0], [0.0, 1 / SPACING]])


def positions(grid):
    x = np.arange(grid.shape[1]) * grid.scale[0]
    y = np.arange(grid.shape[0]) * grid.scale[1]
    return np.meshgrid(x, y)


def lattice(grid, vectors, displacement=None, amplitudes=None, offset=5.0):
    """Image of lattice waves displaced by a function of the current position."""
    x, y = positions(grid)
    u_x, u_y = displacement(x, y) if displacement else (0.0, 0.0)
    amplitudes = np.ones(len(vectors)) if amplitudes is None else amplitudes
    image = np.full(grid.shape, offset, float)
    for number, (vector, amplitude) in enumerate(zip(vectors, amplitudes, strict=True)):
        turn = vector[0] * (x - u_x) + vector[1] * (y - u_y)
        image += amplitude * np.cos(2 * np.pi * turn + 0.3 + 1.7 * number)
    return image


def half(deformation, centre):
    """Displacement that is zero left of the centre and a homogeneous deformation right of it."""
    eulerian = np.eye(2) - np.linalg.inv(deformation)

    def displacement(x, y):
        across, along = np.maximum(x - centre[0], 0.0), np.where(x > centre[0], y - centre[1], 0.0)
        return (
            eulerian[0, 0] * across + eulerian[0, 1] * along,
            eulerian[1, 0] * across + eulerian[1, 1] * along,
        )

    return displacement


def left_and_right(grid, margin=5):
    """Reference in the left half, and the same box in the right half."""
    rows, columns = grid.shape
    reference, strained = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    reference[rows // 4 : -rows // 4, columns // 8 : 3 * columns // 8] = True
    strained[rows // 4 : -rows // 4, 5 * columns // 8 : 7 * columns // 8] = True
    return reference, strained


@pytest.mark.parametrize("shape", [(200, 200), (187, 256), (255, 191)])
def test_perfect_lattice_has_no_strain(shape):
    grid = Grid(shape, (0.04, 0.05), (3.0, -2.0))
    vectors = np.array([[2.43, 0.17], [-0.11, 2.39]])
    image = lattice(grid, np.concatenate([vectors, [vectors.sum(axis=0)]]))
    reference = np.zeros(shape, bool)
    reference[70:-70, 70:-70] = True
    result = geometric_phase_analysis(
        image, grid, vectors + 0.01, resolution=0.4, reference=reference
    )
    for name in ("e_xx", "e_yy", "e_xy"):
        field = getattr(result, name)
        assert field.shape == shape and field.dtype == np.float32
        assert np.abs(field[50:-50, 50:-50]).max() < 1e-5
        assert np.abs(field).max() < 0.02
    np.testing.assert_allclose(result.vectors, vectors, atol=2e-5)
    np.testing.assert_allclose(result.amplitudes, 0.5, rtol=1e-3)
    assert np.abs(result.u_x[50:-50, 50:-50]).max() < 1e-4


@pytest.mark.parametrize("definition", ["lagrangian", "eulerian"])
@pytest.mark.parametrize(
    "change",
    [
        [[0.02, 0.0], [0.0, 0.0]],
        [[0.0, 0.0], [0.0, 0.02]],
        [[0.0, 0.02], [0.02, 0.0]],
        [[0.0, 0.02], [-0.02, 0.0]],
        [[0.104, 0.0], [0.0, 0.104]],
    ],
    ids=["e_xx", "e_yy", "e_xy", "rotation", "misfit"],
)
def test_homogeneous_strain_of_one_half(change, definition):
    grid = Grid((320, 400), (0.04, 0.045))
    deformation = np.eye(2) + change
    image = lattice(grid, SQUARE, half(deformation, (8.0, 7.2)))
    reference, strained = left_and_right(grid)
    result = geometric_phase_analysis(
        image, grid, SQUARE, resolution=0.4, reference=reference, definition=definition
    )
    expected = deformation - np.eye(2)
    angle = np.degrees(np.arctan2(deformation[0, 1] - deformation[1, 0], deformation.trace()))
    if definition == "eulerian":
        expected = np.eye(2) - np.linalg.inv(deformation)
        angle = np.degrees(0.5 * (expected[0, 1] - expected[1, 0]))
    assert np.abs(result.e_xx[strained] - expected[0, 0]).max() < 1e-4
    assert np.abs(result.e_yy[strained] - expected[1, 1]).max() < 1e-4
    assert np.abs(result.e_xy[strained] - 0.5 * (expected[0, 1] + expected[1, 0])).max() < 1e-4
    assert np.abs(result.rotation[strained] - angle).max() < 0.01
    for field in (result.e_xx, result.e_yy, result.e_xy, result.rotation):
        assert abs(field[reference].mean()) < 1e-5


def test_rotation_is_counter_clockwise_on_the_screen():
    # Row 0 is the top: turning x (right) towards negative y (up) is counter-clockwise.
    grid = Grid((300, 300), (0.04, 0.04))
    angle = np.radians(1.0)
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    assert (turned @ [1.0, 0.0])[1] < 0.0
    x, _ = positions(grid)
    image = np.where(x < 6.0, lattice(grid, SQUARE), lattice(grid, SQUARE @ turned.T))
    reference, right = left_and_right(grid)
    result = geometric_phase_analysis(image, grid, SQUARE, resolution=0.4, reference=reference)
    assert result.rotation[right].mean() == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("angles", [(0, 90), (30, 90), (54.7, 125.3)])
def test_displacement_for_any_pair(angles):
    grid = Grid((340, 300), (0.05, 0.05))
    radians = np.radians(angles)
    vectors = 2.5 * np.stack([np.cos(radians), np.sin(radians)], axis=1)
    assert_displacement(grid, vectors)


@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_displacement_for_many_vectors(count):
    grid = Grid((340, 300), (0.05, 0.05))
    vectors = np.array([[2.5, 0], [0, 2.5], [2.5, 2.5], [2.5, -2.5], [5, 0], [0, 5]])[:count]
    assert_displacement(grid, vectors)


def assert_displacement(grid, vectors):
    def displacement(x, y):
        bump = 0.25 * np.exp(-((x - 7.0) ** 2 + (y - 4.5) ** 2) / 8.0)
        return bump, -0.6 * bump

    image = lattice(grid, vectors, displacement)
    reference = np.zeros(grid.shape, bool)
    reference[270:310, 30:270] = True
    result = geometric_phase_analysis(image, grid, vectors, resolution=0.4, reference=reference)
    inner = (slice(40, -40), slice(40, -40))
    for found, true in zip((result.u_x, result.u_y), displacement(*positions(grid)), strict=True):
        # The window lowers the bump by u'' s^2 / 2 = 0.01 nm.
        assert np.abs((found - true)[inner]).max() < 0.02
        assert abs(found[reference].mean()) < 1e-5


def test_smooth_strain_field_has_slope_one():
    grid = Grid((320, 320), (0.04, 0.04))
    period, height = 12.8, 0.01

    def displacement(x, y):
        return -height * period / (2 * np.pi) * np.cos(2 * np.pi * x / period), np.zeros_like(x)

    image = lattice(grid, SQUARE, displacement)
    result = geometric_phase_analysis(
        image,
        grid,
        SQUARE,
        resolution=0.4,
        reference=np.ones(grid.shape, bool),
        definition="eulerian",
    )
    true = height * np.sin(2 * np.pi * positions(grid)[0] / period)
    inner = (slice(40, -40), slice(40, -40))
    slope = np.polyfit(true[inner].ravel(), result.e_xx[inner].ravel(), 1)[0]
    # The window passes exp(-2 (pi s / period)^2) of a sine.
    assert slope == pytest.approx(np.exp(-2 * (np.pi * 0.4 / period) ** 2), abs=3e-3)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.floats(-0.03, 0.03), min_size=4, max_size=4),
    st.floats(0.0, 3.1),
    st.floats(0.8, 1.3),
)
def test_any_affine_deformation(change, direction, aspect):
    grid = Grid((300, 340), (0.04, 0.04 * aspect))
    turn = np.array(
        [[np.cos(direction), np.sin(direction)], [-np.sin(direction), np.cos(direction)]]
    )
    vectors = SQUARE @ turn
    deformation = np.eye(2) + np.reshape(change, (2, 2))
    x, _ = positions(grid)
    image = np.where(
        x < 6.8, lattice(grid, vectors), lattice(grid, vectors @ np.linalg.inv(deformation))
    )
    reference, strained = left_and_right(grid)
    result = geometric_phase_analysis(image, grid, vectors, resolution=0.4, reference=reference)
    expected = deformation - np.eye(2)
    assert np.abs(result.e_xx[strained] - expected[0, 0]).max() < 2e-4
    assert np.abs(result.e_yy[strained] - expected[1, 1]).max() < 2e-4
    assert np.abs(result.e_xy[strained] - 0.5 * (expected[0, 1] + expected[1, 0])).max() < 2e-4


def test_scale_and_offset_of_the_intensity_do_not_matter():
    grid = Grid((150, 170), (0.04, 0.04))
    rng = np.random.default_rng(1)
    image = lattice(grid, SQUARE) + rng.normal(0, 0.3, grid.shape)
    arguments = {"resolution": 0.5, "reference": np.ones(grid.shape, bool)}
    first = geometric_phase_analysis(image, grid, SQUARE, **arguments)
    second = geometric_phase_analysis(-3e4 * image + 1e7, grid, SQUARE, **arguments)
    np.testing.assert_allclose(second.e_xx, first.e_xx, atol=1e-5)
    np.testing.assert_allclose(second.sigma, first.sigma, rtol=1e-3)


def test_smooth_background_makes_no_strain():
    grid = Grid((256, 256), (0.04, 0.04))
    x, y = positions(grid)
    image = lattice(grid, SQUARE) + 30.0 * np.exp(-((x - 3) ** 2 + (y - 6) ** 2) / 20) + 4 * x
    result = geometric_phase_analysis(
        image, grid, SQUARE, resolution=0.4, reference=np.ones(grid.shape, bool)
    )
    assert np.abs(result.e_xx[45:-45, 45:-45]).max() < 1e-4


def test_unstrained_lattice_keeps_every_pixel_and_vacuum_none():
    grid = Grid((240, 300), (0.04, 0.04))
    rng = np.random.default_rng(2)
    x, _ = positions(grid)
    crystal = x < 7.0
    image = np.where(crystal, lattice(grid, SQUARE), 5.0) + rng.normal(0, 0.5, grid.shape)
    reference, _ = left_and_right(grid)
    result = geometric_phase_analysis(image, grid, SQUARE, resolution=0.4, reference=reference)
    assert np.isfinite(result.e_xx[:, :170]).all()
    vacuum = slice(220, None)
    for field in (result.e_xx, result.u_y, result.sigma, result.rotation):
        assert np.isnan(field[:, vacuum]).mean() > 0.97
    # What lies beyond the crystal does not disturb it.
    assert np.abs(result.u_x[40:-40, 40:130]).max() < 0.05


def test_dislocation_keeps_its_burgers_vector():
    grid = Grid((300, 300), (0.04, 0.04))

    def displacement(x, y):
        return SPACING * np.arctan2(y - 6.0, x - 6.0) / (2 * np.pi), np.zeros_like(x)

    image = lattice(grid, SQUARE, displacement)
    reference = np.zeros(grid.shape, bool)
    reference[40:110, 40:-40] = True
    result = geometric_phase_analysis(image, grid, SQUARE, resolution=0.5, reference=reference)
    circuit = np.concatenate(
        [
            result.u_x[80:220, 220],
            result.u_x[220, 220:80:-1],
            result.u_x[220:80:-1, 80],
            result.u_x[80, 80:221],
        ]
    )
    steps = np.diff(circuit)
    jumps = np.round(steps / SPACING)
    assert np.abs(steps - jumps * SPACING).max() < 0.02
    assert np.abs(jumps).sum() == 1

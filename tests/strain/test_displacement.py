"""The displacement around dislocations and from one piece to the next, against known truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from hyperspy_twin.core import Grid
from hyperspy_twin.simulation import DislocationArray, displace_points
from hyperspy_twin.strain import geometric_phase_analysis
from hyperspy_twin.strain.displacement import mean_inside, outline_jumps
from hyperspy_twin.strain.maps import blank_outside
from hyperspy_twin.strain.phase_unwrapping import follow_nodes, refine_displacement

SPACING, RESOLUTION = 0.4, 0.5
GRID = Grid((300, 340), (0.04, 0.04), (1.0, -2.0))
SQUARE = np.array([[1, 0], [0, 1], [1, 1], [1, -1]]) / SPACING


def volterra(x, y, core):
    """Edge dislocation with b along x: an array of long period without what its repeats add."""
    period = 200.0
    array = DislocationArray(np.array([core[0]]), period, SPACING, 0.3)
    points = np.stack([x.ravel(), y.ravel() - core[1]], axis=1)
    u_x, u_y = displace_points(points, array).T.reshape(2, *x.shape)
    side = np.where(y >= core[1], 1.0, -1.0)
    return u_x + side * SPACING * (0.25 - 0.5 * (x - core[0]) / period), u_y


def displaced(cores, vectors, noise=0.0):
    """Image of a lattice with dislocations, and its displacement."""
    x, y = np.meshgrid(GRID.x, GRID.y)
    u = np.zeros((2, *GRID.shape))
    for core, sign in cores:
        u += sign * np.array(volterra(x, y, core))
    image = sum(np.cos(2 * np.pi * (g[0] * (x - u[0]) + g[1] * (y - u[1]))) for g in vectors)
    return image + np.random.default_rng(0).normal(0, noise, GRID.shape), u


def analyse(image, vectors, reference, **options):
    return geometric_phase_analysis(
        image, GRID, vectors, resolution=RESOLUTION, reference=reference, **options
    )


def reference_rows(stop=90):
    reference = np.zeros(GRID.shape, bool)
    reference[30:stop, 40:-40] = True
    return reference


def far_from(cores, distance):
    x, y = np.meshgrid(GRID.x, GRID.y)
    far = np.ones(GRID.shape, bool)
    far[:20] = far[-20:] = far[:, :20] = far[:, -20:] = False
    for (core_x, core_y), _ in cores:
        far &= np.hypot(x - core_x, y - core_y) > distance
    return far


def relative(u, result, vectors):
    """Displacement from the lattice of the reference, which dislocations strain."""
    place = np.stack(np.meshgrid(GRID.x, GRID.y))
    change, *_ = np.linalg.lstsq(result.vectors, vectors, rcond=None)
    return place - np.einsum("ij,j...->i...", change, place - u)


def assert_displacement(result, u, cores, vectors, reference, atol):
    """Right on either side of each cut but for a lattice vector, and no jump without a cut."""
    u = relative(u, result, vectors)
    for found, true in zip((result.u_x, result.u_y), u, strict=True):
        off = found - true
        off -= np.median(off[reference])
        off -= SPACING * np.round(off / SPACING)
        far = far_from(cores, 3 * RESOLUTION)
        assert np.abs(off[far]).max() < atol
    points = np.concatenate([np.zeros((0, 4)), *result.cuts])
    x, y = np.meshgrid(GRID.x, GRID.y)
    for axis in (0, 1):
        jump = np.hypot(np.diff(result.u_x, axis=axis), np.diff(result.u_y, axis=axis))
        lower = (slice(None, -1), slice(None)) if axis == 0 else (slice(None), slice(None, -1))
        jumps = jump > SPACING / 2
        if not len(points):
            assert not jumps.any()
            continue
        middle = np.stack([points[:, [0, 2]].mean(axis=1), points[:, [1, 3]].mean(axis=1)], axis=1)
        distance, _ = cKDTree(middle).query(np.stack([x[lower][jumps], y[lower][jumps]], axis=1))
        assert distance.max(initial=0.0) < 0.4 * RESOLUTION


def loose_ends(cuts):
    """Ends of cuts inside the image: corners that an odd number of segments share."""
    points = np.concatenate(cuts).reshape(-1, 2).round(6)
    corners, counts = np.unique(points, axis=0, return_counts=True)
    ends = corners[counts % 2 == 1]
    low = np.array(GRID.offset) + RESOLUTION
    high = np.array(GRID.offset) + GRID.extent - np.array(RESOLUTION)
    return ends[((ends > low) & (ends < high)).all(axis=1)]


@pytest.mark.parametrize("noise", [0.0, 0.5])
@pytest.mark.parametrize("vectors", [SQUARE[:2], SQUARE[2:], SQUARE], ids=["2", "diagonal", "4"])
def test_displacement_around_a_dislocation(vectors, noise):
    cores = [((8.1, 5.2), 1)]
    image, u = displaced(cores, vectors, noise)
    reference = reference_rows()
    result = analyse(image, vectors, reference)
    assert_displacement(result, u, cores, vectors, reference, 0.012 if noise else 0.006)
    assert len(result.cuts) == 1
    ends = loose_ends(result.cuts)
    assert len(ends) == 1
    np.testing.assert_allclose(ends[0], cores[0][0], atol=0.6 * RESOLUTION)
    # The cut leads from the core to the edge of the image and nowhere else.
    length = np.linalg.norm(result.cuts[0][:, 2:] - result.cuts[0][:, :2], axis=1).sum()
    assert 1.0 < length < 14.0
    assert result.cut_length == pytest.approx(length)
    # A circuit round the core does not close by b.
    top, bottom, left, right = 90, 250, 60, 280
    circuit = np.concatenate(
        [
            result.u_x[top:bottom, right],
            result.u_x[bottom, right:left:-1],
            result.u_x[bottom:top:-1, left],
            result.u_x[top, left : right + 1],
        ]
    )
    steps = np.diff(circuit)
    jumps = np.round(steps / SPACING)
    assert np.abs(steps - jumps * SPACING).max() < 0.03
    assert abs(jumps.sum()) == 1


def test_cuts_end_at_every_dislocation():
    cores = [((4.51, 4.01), 1), ((11.19, 6.11), -1), ((8.01, 7.41), 1)]
    image, u = displaced(cores, SQUARE, 0.3)
    reference = reference_rows(70)
    result = analyse(image, SQUARE, reference)
    assert_displacement(result, u, cores, SQUARE, reference, 0.015)
    distance, _ = cKDTree(loose_ends(result.cuts)).query([core for core, _ in cores])
    assert distance.max() < 0.6 * RESOLUTION


@settings(max_examples=4, deadline=None, derandomize=True)
@given(x=st.floats(5.0, 11.0), y=st.floats(3.5, 6.5), sign=st.sampled_from([-1, 1]))
def test_cut_ends_at_a_dislocation_anywhere(x, y, sign):
    cores = [((x, y), sign)]
    image, u = displaced(cores, SQUARE, 0.3)
    reference = np.zeros(GRID.shape, bool)
    reference[-70:-25, 40:-40] = True
    result = analyse(image, SQUARE, reference)
    assert_displacement(result, u, cores, SQUARE, reference, 0.015)
    np.testing.assert_allclose(loose_ends(result.cuts), [(x, y)], atol=0.6 * RESOLUTION)


def test_no_cut_without_a_dislocation():
    image, u = displaced([], SQUARE, 1.0)
    result = analyse(image, SQUARE, reference_rows())
    assert result.cuts == ()
    assert np.abs(result.u_x).max() < 0.05


def test_pieces_are_joined_by_a_lattice_vector():
    """A rigid shift of a region by less than half a spacing stays, also with all reflections."""
    x, y = np.meshgrid(GRID.x, GRID.y)
    lower = y > GRID.y[150]
    u = np.where(lower, 0.13, 0.0), np.where(lower, -0.09, 0.0)
    image = sum(np.cos(2 * np.pi * (g[0] * (x - u[0]) + g[1] * (y - u[1]))) for g in SQUARE)
    labels = np.where(lower, 2, 1)
    for vectors in (SQUARE, SQUARE[:2], SQUARE[[2, 0, 1]]):
        result = analyse(image, vectors, reference_rows(), labels=labels)
        for found, true in zip((result.u_x, result.u_y), u, strict=True):
            assert np.abs(found - true)[15:-15, 15:-15].max() < 0.02


def test_dislocation_in_one_of_two_pieces():
    cores = [((8.1, 6.2), 1)]
    image, u = displaced(cores, SQUARE)
    labels = np.ones(GRID.shape, int)
    labels[:100] = 2
    reference = reference_rows()
    result = analyse(image, SQUARE, reference, labels=labels)
    assert len(result.cuts) == 1
    assert_displacement(result, u, cores, SQUARE, reference, 0.012)


def test_displacement_only_where_it_is_asked_for():
    image, _ = displaced([((8.1, 5.2), 1)], SQUARE, 0.3)
    asked = analyse(image, SQUARE, reference_rows())
    result = analyse(image, SQUARE, reference_rows(), displacement=False)
    assert result.u_x is None and result.u_y is None and result.cuts == ()
    np.testing.assert_array_equal(result.e_xx, asked.e_xx)
    np.testing.assert_array_equal(result.sigma_rotation, asked.sigma_rotation)
    with pytest.raises(ValueError, match="the displacement was not asked for"):
        _ = result.displacement


def test_stack_is_what_lies_in_memory():
    image, _ = displaced([], SQUARE[:2], 0.3)
    result = analyse(image, SQUARE[:2], reference_rows())
    names = ("e_xx", "e_yy", "e_xy", "rotation", "u_x", "u_y")
    names += ("sigma_xx", "sigma_yy", "sigma_xy", "sigma_rotation")
    whole = result.stack(names)
    assert np.shares_memory(whole, result.e_xx)
    for number, name in enumerate(names):
        np.testing.assert_array_equal(whole[number], getattr(result, name))
    assert not np.shares_memory(result.stack(names[::-1]), result.e_xx)
    np.testing.assert_array_equal(result.stack(names[::-1])[0], result.sigma_rotation)


def test_compiled_kernels_are_the_written_ones():
    rng = np.random.default_rng(0)
    values, mask = rng.normal(size=(5, 6)).astype(np.float32), rng.random((5, 6)) > 0.4
    values[1, 2] = np.nan
    expected = values[mask & np.isfinite(values)].mean(dtype=float)
    for function in (mean_inside, mean_inside.py_func):
        assert function(values, mask) == pytest.approx(expected)
    piece = rng.integers(-1, 3, (5, 6)).astype(np.int32)
    u = rng.normal(size=(2, 5, 6)).astype(np.float32)
    for one, other in zip(outline_jumps(u, piece), outline_jumps.py_func(u, piece), strict=True):
        np.testing.assert_allclose(one, other)
    for function in (blank_outside, blank_outside.py_func):
        maps = u.copy()
        function(mask, maps)
        np.testing.assert_array_equal(np.isnan(maps), np.broadcast_to(~mask, maps.shape))
    arguments = (
        rng.uniform(-3, 3, (2, 4, 5)),
        np.array([[0.1, 0.0], [0.0, 0.2]]),
        rng.random((2, 4, 5)) > 0.1,
        rng.random((4, 5)) > 0.1,
        np.tile(np.eye(2)[..., None, None], (1, 1, 4, 5)),
        np.eye(2),
        np.eye(2),
        np.array([0, 1]),
        rng.integers(0, 4, (4, 5)),
        np.arange(20),
    )
    for one, other in zip(follow_nodes(*arguments), follow_nodes.py_func(*arguments), strict=True):
        np.testing.assert_allclose(one, other)
    found = []
    for function in (refine_displacement, refine_displacement.py_func):
        result = np.zeros((2, 7, 8), np.float32)
        function(
            rng.normal(size=(4, 4, 6)).astype(np.float32) * 0 + 1,
            np.array([0, 0, 1, 1]),
            np.array([0, 0, 1, 1, 2, 2]),
            np.array([[0.3, 0.0], [0.0, 0.1]]),
            np.arange(6.0),
            np.arange(4.0),
            np.tile(np.eye(2)[..., None, None], (1, 1, 2, 3)),
            np.full((2, 2, 3), 0.3),
            np.full((2, 2, 3), 0.7),
            np.array([0.1, 0.2]),
            np.ones((4, 6), bool),
            result,
            1,
            2,
        )
        found.append(result)
    np.testing.assert_allclose(*found, atol=1e-6)

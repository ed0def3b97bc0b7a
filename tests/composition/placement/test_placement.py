"""Maps of known place: found to a fraction of a pixel with true errors, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.composition.placement import (
    UnsureError,
    place_by_image,
    place_by_tags,
    place_given,
    place_on_area,
    place_same_area,
    undetermined_direction,
)
from hyperspy_twin.composition.placement.fit import fit_map
from hyperspy_twin.composition.placement.recorded import MapImage
from hyperspy_twin.composition.placement.scenes import prepare_scene
from hyperspy_twin.composition.placement.search import search_places
from hyperspy_twin.core import Grid

SUPERLATTICE = tuple((start, start + 8.0, 0.3) for start in np.arange(-200.0, 200.0, 18.0))


def place(pair, image=None, **options):
    options = {"angle": 10.0, "scale": 0.05, **options}
    image = pair.image if image is None else image
    return place_by_image(image, pair.image_grid, pair.map_grid, pair.map_image, **options)


def fitted(pair):
    """Fit that begins at the true place but for half a pixel and half a degree."""
    scene = prepare_scene(pair.image, pair.image_grid, pair.map_grid.pixel_size)
    start = pair.matrix.copy()
    start[:, :2] = [[1.0, -0.009], [0.009, 1.0]] @ start[:, :2]
    middle = np.array([pair.map_grid.x.mean(), pair.map_grid.y.mean(), 1.0])
    start[:, 2] += (pair.matrix - start) @ middle + [1.2, -0.8]
    return fit_map(scene, MapImage(pair.map_image, pair.map_grid, pair.map_grid), start)


@pytest.mark.parametrize("seed", [3, pytest.param(71, marks=pytest.mark.slow)])
def test_well_is_found_within_a_tenth_of_a_pixel(pair, seed):
    made = pair(seed)
    found = place(made)
    assert np.hypot(*made.error(found)) < 0.1
    assert found.method == "image"
    assert found.probability > 0.99
    assert undetermined_direction(found, 3.0) is None


@pytest.mark.parametrize(
    ("seed", "drift"), [(3, (1.5, 0.0)), pytest.param(72, (0.6, -1.4), marks=pytest.mark.slow)]
)
def test_drift_and_a_walk_of_the_rows_are_followed(pair, seed, drift):
    made = pair(seed, drift=drift, walk=0.05)
    found = place(made)
    assert np.hypot(*made.error(found)) < 0.15
    # The drift is a shear and a stretch; what is left are shifts of rows about it.
    assert np.abs(found.row_shifts.mean(axis=0)).max() < 1e-9
    assert found.row_shifts.std() > 0.05


@pytest.mark.slow
@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    angle=st.floats(-12.0, 12.0),
    scale=st.floats(0.96, 1.04),
    offset=st.tuples(st.floats(-15.0, 15.0), st.floats(-15.0, 15.0)),
    slope=st.floats(-90.0, 90.0),
)
def test_any_angle_scale_and_position_is_fitted(pair, angle, scale, offset, slope):
    made = pair(
        11, shape=(40, 24), angle=angle, scale=scale, slope=slope, field=200.0,
        position=(100.0 + offset[0], 100.0 + offset[1]),
    )  # fmt: skip
    assert np.hypot(*made.error(fitted(made))) < 0.15


@pytest.mark.slow
def test_claimed_errors_are_true(pair):
    """Errors of positions over those claimed, along and across the layers, of many fits."""
    ratios = []
    for seed in range(300, 308):
        made = pair(seed, shape=(40, 24), texture=0.02, walk=0.05, field=160.0)
        fit = fitted(made)
        across = np.array([-made.along[1], made.along[0]])
        claimed = [np.sqrt(a @ fit.covariance @ a) / 3 for a in (made.along, across)]
        ratios.append(np.square(made.error(fit) / claimed))
    assert 0.6 < np.mean(ratios) < 1.6


@pytest.mark.slow
def test_large_maps_are_reduced_for_the_fit(pair):
    """130 x 200 pixels of .6 nm: pairs of rows are fitted together, and all have a shift."""
    made = pair(31, shape=(200, 130), step=0.6, drift=(2.0, -1.0), field=200.0, pixel=0.75)
    found = place(made)
    assert found.row_shifts.shape == (200, 2)
    assert np.hypot(*made.error(found)) < 0.2


@pytest.mark.slow
def test_layers_without_texture_leave_one_direction_undetermined(pair):
    made = pair(3, texture=0.002)
    found = place(made)
    direction = undetermined_direction(found, 3.0)
    assert direction is not None
    assert abs(direction @ made.along) > 0.99
    assert made.error(found)[1] < 0.1
    across = np.array([-made.along[1], made.along[0]])
    assert np.sqrt(across @ found.covariance @ across) / 3 < 0.1


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "texture"), [(5, 0.002), (6, 0.0)])
def test_repeating_layers_are_refused(pair, seed, texture):
    made = pair(seed, shape=(30, 24), layers=SUPERLATTICE, texture=texture)
    with pytest.raises(UnsureError, match="not sure.*placement="):
        place(made)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [8, 9])
def test_map_from_elsewhere_is_refused(pair, seed):
    """Other layers, or the same layers with other grains."""
    here = pair(seed, shape=(40, 24), field=200.0)
    for layers in (((-5.0, 5.0, 0.3), (20.0, 30.0, 0.5)), ((-12.0, 12.0, 0.6), (40.0, 46.0, 0.3))):
        other = pair(seed + 50, shape=(40, 24), field=200.0, layers=layers)
        with pytest.raises(UnsureError, match="not sure"):
            place(other, here.image)


def test_noise_is_refused(pair):
    made = pair(8, shape=(40, 24), field=200.0)
    noise = np.random.default_rng(0).normal(size=made.image.shape)
    with pytest.raises(UnsureError, match="placement="):
        place(made, noise)


def spots(centres, turn=0.0):
    """Image with round spots at some centres in nm, its grid, a map of its middle and its grid."""
    random = np.random.default_rng(1)

    def scene(x, y):
        return 1 + sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / 72) for a, b in centres)

    image_grid, map_grid = Grid((100, 100), (1.5, 1.5)), Grid((24, 20), (3.0, 3.0))
    x, y = np.meshgrid(map_grid.x, map_grid.y)
    points = np.stack([x - 30, y - 35], axis=-1)
    points = points @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]] + 75
    noise = 0.003 * random.standard_normal((100, 100)), 0.003 * random.standard_normal((24, 20))
    image = scene(*np.meshgrid(image_grid.x, image_grid.y)) + noise[0]
    return image, image_grid, map_grid, scene(*np.moveaxis(points, -1, 0)) + noise[1]


def test_one_round_particle_does_not_tell_the_angle():
    """It tells where it is itself, and not where the rest of the map lies."""
    one = spots([(60.0, 52.0)], turn=np.radians(6))
    with pytest.raises(UnsureError, match="others fit nearly as well"):
        place_by_image(*one, angle=10.0, scale=0.0)
    two = spots([(60.0, 52.0), (90.0, 100.0)], turn=np.radians(6))
    assert place_by_image(*two, angle=10.0, scale=0.0).probability > 0.99


def test_dots_that_repeat_are_refused():
    """Some repeats are nearly off the micrograph: what is not seen speaks against none."""
    x, y = np.meshgrid(np.arange(-12.0, 170, 24), np.arange(-12.0, 170, 24))
    with pytest.raises(UnsureError, match="others fit nearly as well"):
        place_by_image(*spots(np.stack([x.ravel(), y.ravel()], 1)), angle=5.0, scale=0.02)


def test_a_map_of_inverted_contrast_has_no_place():
    image, image_grid, map_grid, values = spots([(60.0, 52.0), (90.0, 100.0)])
    scene = prepare_scene(image, image_grid, 3.0)
    true = np.array([75.0, 75.0])
    middle = np.array([map_grid.x.mean(), map_grid.y.mean(), 1.0])
    for sign, near in ((1, True), (-1, False)):
        recorded = MapImage(sign * values, map_grid, map_grid)
        best = search_places(scene, recorded, np.eye(2), angle=0.0, scale=0.0, most=1)[0]
        assert (np.hypot(*(best.matrix @ middle - true)) < 6) == near


def lattice(x, y):
    """Columns on a rectangle of 15 x 21, brighter to below and a little to the right."""
    peaks = (1 + np.cos(2 * np.pi * x / 15)) * (1 + np.cos(2 * np.pi * y / 21))
    thickness = (1 + 2 / (1 + np.exp(-(y - 220) / 40))) * (1 + x / 600)
    return thickness * (0.15 + peaks**2)


def drifted_scan(seed, total):
    """Survey, its grid, grid and matrix of a map, its fine image and the shift of each row."""
    random = np.random.default_rng(seed)
    survey = Grid((500, 300), (1.0, 1.0))
    image = lattice(*np.meshgrid(survey.x, survey.y)) + 0.3 * random.normal(size=survey.shape)
    scanned = Grid((49, 6), (1.0, 1.0))
    matrix = place_on_area(scanned, (120.5, 50.5, 166.5, 426.5))
    time = np.linspace(0.0, 1.0, 49)[:, None]
    shifts = time * total + np.cumsum(random.normal(scale=0.8, size=(49, 2)), axis=0)
    fine = Grid((392, 48), (0.125, 0.125), (-0.4375, -0.4375))
    x, y = np.meshgrid(fine.x, fine.y)
    points = np.stack([x, y, np.ones_like(x)], axis=-1) @ matrix.T
    points += np.repeat(shifts, 8, axis=0)[:, None]
    seen = lattice(points[..., 0], points[..., 1]) + 0.3 * random.normal(size=x.shape)
    return image, survey, scanned, matrix, 40 + 7 * seen, shifts


def error_of_rows(placed, matrix, shifts):
    """Error (x, y) of each row in pixels of the map, which are 7.7 pixels of the survey."""
    middle = np.column_stack([np.full(49, 2.5), np.arange(49), np.ones(49)])
    return (middle @ (placed.matrix - matrix).T + placed.row_shifts - shifts) / 7.7


@pytest.mark.parametrize(
    ("seed", "total"),
    [
        (1, (20.0, 24.0)),
        pytest.param(2, (-12.0, 18.0), marks=pytest.mark.slow),
        pytest.param(3, (10.0, -20.0), marks=pytest.mark.slow),
    ],
)
def test_rows_are_tracked_over_more_than_a_period_without_a_hop(seed, total):
    """A row holds a third of a period, and the drift is up to 1.3 periods."""
    *scan, shifts = drifted_scan(seed, total)
    placed, reason = place_by_tags(*scan)
    assert (placed.method, reason) == ("tags and drift", "")
    error = error_of_rows(placed, scan[3], shifts)
    # A hop is two to three.
    assert np.hypot(*error.T).max() < 0.3
    assert np.sqrt(np.mean(np.square(error))) < 0.1


@pytest.mark.slow
@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(100, 200), total=st.tuples(st.floats(-25.0, 25.0), st.floats(-25.0, 25.0)))
def test_no_drift_ends_in_a_hop(seed, total):
    """Where the track is not sure, the place is that of the tags."""
    *scan, shifts = drifted_scan(seed, total)
    placed, reason = place_by_tags(*scan)
    if reason:
        assert placed.method == "tags"
    else:
        assert np.hypot(*error_of_rows(placed, scan[3], shifts).T).max() < 0.5


def test_drift_is_not_used_where_rows_show_no_common_structure():
    random = np.random.default_rng(4)
    survey, scanned = Grid((500, 300), (1.0, 1.0)), Grid((20, 6), (1.0, 1.0))
    image = lattice(*np.meshgrid(survey.x, survey.y))
    matrix = place_on_area(scanned, (120.5, 50.5, 166.5, 203.5))
    placed, reason = place_by_tags(image, survey, scanned, matrix, random.normal(size=(160, 48)))
    assert placed.method == "tags"
    assert reason
    np.testing.assert_array_equal(placed.matrix, matrix)
    assert not placed.row_shifts.any()


def test_edges_of_an_area_are_those_of_the_pixels():
    scanned = Grid((4, 2), (3.0, 3.0), (9.0, -3.0))
    matrix = place_on_area(scanned, (10.0, 20.0, 14.0, 28.0))
    assert matrix @ [9.0, -3.0, 1.0] == pytest.approx([11.0, 21.0])
    assert matrix @ [12.0, 6.0, 1.0] == pytest.approx([13.0, 27.0])


@pytest.mark.parametrize("parts", [1, 4])
def test_same_area(parts):
    scanned = Grid((5, 4), (2.0, 2.0), (1.0, 7.0))
    image = Grid((5 * parts, 4 * parts), (2.0 / parts, 2.0 / parts), (1.0, 7.0))
    placed = place_same_area(scanned, image)
    assert placed.probability == 1
    assert placed.method == "same grid"
    expected = np.eye(2, 3)
    # The first pixel of the map holds as many of the image as there are parts.
    expected[:, 2] = 1 - 1 / parts
    assert placed.matrix == pytest.approx(expected)


def test_given_places_are_checked():
    scanned, image = Grid((5, 4), (1.0, 1.0)), Grid((100, 100), (1.0, 1.0))
    placed = place_given(scanned, image, np.array([[1.0, 0.0, 30.0], [0.0, 1.0, 40.0]]))
    assert placed.method == "given"
    with pytest.raises(ValueError, match="does not overlap.* 300 to 303.*0 to 99"):
        place_given(scanned, image, np.array([[1.0, 0.0, 300.0], [0.0, 1.0, 40.0]]))
    with pytest.raises(ValueError, match=r"shape \(2, 3\)"):
        place_given(scanned, image, np.eye(2))
    with pytest.raises(ValueError, match="to a line"):
        place_given(scanned, image, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="5 rows"):
        place_given(scanned, image, np.eye(2, 3), np.zeros((4, 2)))

"""Places of a model whose force nothing explains, in models of known truth."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.special import ndtr

from hyperspy_twin.core import Grid
from hyperspy_twin.properties import (
    Evidence,
    MeasuredNoise,
    Suspect,
    bond_atoms,
    check_forces,
    choose_field,
    mean_per_column,
    mean_per_pixel,
    name_cause,
    site_fractions,
)
from hyperspy_twin.properties.force_check.rows import SMOOTH, Rows, _taper
from hyperspy_twin.properties.force_check.scan_jumps import REACH, _fits_of_jumps, find_jumps
from hyperspy_twin.properties.force_check.spots import (
    BETWEEN,
    CELL,
    _distance,
    _labels,
    find_spots,
)
from hyperspy_twin.properties.force_check.virtual_crystal import (
    acoustic_positions,
    virtual_crystal,
)
from hyperspy_twin.simulation import stack_diamond_planes

LATTICE = 5.5899  # Å, Si0.3Ge0.7 by the bonds of the force field
ELEMENTS = [14, 32]
PBC = (False, False, True)
RESOLUTION = 5.0  # Å
ERROR = 0.005  # Å, of positions


@pytest.fixture(scope="module")
def crystal():
    """Block of an alloy along [110], with its box and the region of each atom."""
    period = LATTICE / np.sqrt(2)
    heights = np.arange(96) * LATTICE / 4
    depth = 2 * period
    positions, plane = stack_diamond_planes(
        heights, np.arange(96), period=period, x_range=(0.0, 130.0), thickness=depth
    )
    cell = np.diag([140.0, 140.0, depth])
    numbers = np.where(np.random.default_rng(0).random(len(positions)) < 0.7, 32, 14)
    return positions, numbers, cell, np.ones(len(positions), int)


def lines(count, spacing, sigma, seed):
    """Displacement of scan lines as the window of a strain map shows it."""
    jitter = np.random.default_rng(seed).standard_normal(count) * sigma
    return gaussian_filter1d(jitter, RESOLUTION / spacing, mode="reflect")


def checked(crystal, displacement, error=ERROR, lines=0.0, **options):
    positions, numbers, cell, region = crystal
    fractions = site_fractions(numbers, region, np.full(len(numbers), 0.5), ELEMENTS)
    return check_forces(
        positions + displacement,
        (cell, PBC),
        elements=ELEMENTS,
        fractions=fractions,
        noise=MeasuredNoise(
            np.full((len(positions), 2), error),
            np.full((len(positions), 2), lines),
            RESOLUTION,
            region,
        ),
        **{"chance": 0.01, **options},
    )


def jittered(crystal, seed, jump=0.0, at=70.0):
    """Displacement along x by lines of 3 pm jitter, 0.36 Å apart, and a jump at one of them."""
    y = crystal[0][:, 1]
    grid = np.arange(-20.0, 160.0, 0.36)
    shift = lines(len(grid), 0.36, 0.03, seed) + jump * ndtr((grid - at) / RESOLUTION)
    found = of_pixels(crystal, seed)
    found[:, 0] += np.interp(y, grid, shift)
    return found


def of_pixels(crystal, seed):
    """Displacement of 0.3 pm by the noise of pixels, smooth over the window."""
    rows, columns = np.clip(crystal[0][:, [1, 0]].T.round().astype(int), 0, 139)
    found = np.zeros_like(crystal[0])
    noise = np.random.default_rng([seed, 9]).standard_normal((2, 140, 140))
    for axis in (0, 1):
        smooth = gaussian_filter(noise[axis], RESOLUTION)
        found[:, axis] = 0.003 * smooth[rows, columns] / smooth.std()
    return found


# Of lines of 3 pm, 0.36 Å apart, in windows of 5 Å, beside the noise of pixels.
LINE_NOISE = 0.03**2 * 0.36
LINES = {
    "error": np.sqrt(LINE_NOISE / (2 * np.sqrt(np.pi) * RESOLUTION) + 0.003**2),
    "lines": LINE_NOISE,
}


def test_a_strained_alloy_has_no_forces_in_its_virtual_crystal(crystal):
    positions, numbers, cell, region = crystal
    strained = positions @ (np.eye(3) + [[0.01, 0.002, 0], [0, -0.008, 0], [0, 0, 0]])
    field = choose_field(np.array(ELEMENTS))
    bonds = field.bonds(strained, numbers, cell, PBC)
    fractions = site_fractions(numbers, region, np.full(len(numbers), 0.5), ELEMENTS)
    whole = (bonds.count == 4) & (bonds.count[bonds.index] == 4).all(axis=1)
    whole &= whole[bonds.index].all(axis=1)
    moved = acoustic_positions(bonds, strained)
    np.testing.assert_allclose(moved[whole], strained[whole], atol=1e-9)
    whole &= whole[bonds.index].all(axis=1)
    # The two sublattices are pushed against each other: neighbours are averaged.
    virtual = virtual_crystal(bonds, ELEMENTS, fractions).forces(moved)[1]
    mean = virtual + virtual[bonds.index].mean(axis=1)
    assert np.abs(mean[whole]).max() < 1e-9
    real = bond_atoms(strained, numbers, cell, PBC).forces(strained)[1]
    assert np.linalg.norm(real[whole], axis=1).mean() > 0.2


def test_sites_of_one_element_keep_it():
    numbers = np.array([31, 31, 49, 33, 33, 33, 14])
    occupancy = np.array([0.7, 0.7, 0.3, 1, 1, 1, 0.5])
    found = site_fractions(numbers, np.ones(7, int), occupancy, [14, 31, 33, 49])
    np.testing.assert_allclose(found[:3], [[0, 2 / 3, 0, 1 / 3]] * 3)
    np.testing.assert_allclose(found[3:6], [[0, 0, 1, 0]] * 3)
    np.testing.assert_allclose(found[6], [1, 0, 0, 0])


def test_a_perfect_alloy_is_not_blamed(crystal):
    assert not checked(crystal, 0.0).suspects


@settings(max_examples=4, deadline=None, derandomize=True, phases=[Phase.generate])
@given(
    size=st.sampled_from([-0.1, -0.05, 0.05, 0.08]),
    at=st.floats(50.0, 85.0),
    axis=st.sampled_from([0, 1]),
)
def test_a_jump_of_either_axis_has_its_size_and_place(crystal, size, at, axis):
    displacement = of_pixels(crystal, 4)
    displacement[:, axis] += size * ndtr((crystal[0][:, 1] - at) / RESOLUTION)
    first = checked(crystal, displacement, **LINES).suspects[0]
    assert first.is_line
    assert first.displacement[axis] == pytest.approx(size, rel=0.2)
    assert first.y == pytest.approx(at, abs=3.0)


def test_a_jump_is_found_in_jitter(crystal):
    found = checked(crystal, jittered(crystal, 1, jump=0.06), **LINES).suspects
    assert [one.is_line for one in found] == [True]
    assert found[0].y == pytest.approx(70.0, abs=5.0)
    assert found[0].displacement[0] == pytest.approx(0.06, abs=0.025)


@pytest.mark.parametrize("seed", range(3))
def test_jitter_alone_is_not_blamed(crystal, seed):
    assert not checked(crystal, jittered(crystal, seed), **LINES).suspects


def test_false_alarms_are_as_rare_as_they_should_be():
    spacing, sigma = 2.8, 0.01
    y = spacing * np.arange(80)
    density = np.full(len(y), sigma**2 * spacing)
    known, bend = np.ones(len(y), bool), np.zeros(len(y))
    blamed = 0
    for seed in range(60):
        both = tuple(
            Rows(y, lines(len(y), spacing, sigma, [seed, axis]), density, known, bend)
            for axis in (0, 1)
        )
        blamed += bool(find_jumps(both, RESOLUTION, 0.1, (0.0, 100.0)))
    # Binomial with 0.1: above 12 of 60 once in 100 runs.
    assert blamed <= 12


def still_rows(bend):
    """Rows of 1 pm of noise that may bend where it is told."""
    y = 2.8 * np.arange(120)
    return Rows(y, np.zeros(len(y)), np.full(len(y), 1e-4), np.ones(len(y), bool), bend)


def test_a_bend_at_an_outline_is_no_jump():
    """Rows that bend by a mean outline that leans, as far as is known, are not displaced."""
    straight, bending = (still_rows(np.zeros(120)) for _ in range(2))
    bending.bend[59:62] = 1e-3
    bent = 1e-3 * np.maximum(bending.y - bending.y[60], 0.0)
    largest = []
    for rows in (straight, bending):
        _, weights, errors = _fits_of_jumps(rows, RESOLUTION, REACH)
        largest.append(np.nanmax(np.abs(weights @ bent / errors)))
    assert largest[0] > 10.0
    assert largest[1] < 2.0
    jump = 0.1 * ndtr((bending.y - bending.y[40]) / RESOLUTION)
    jumped = replace(bending, displacement=bent + jump)
    (found,) = find_jumps((jumped, straight), RESOLUTION, 0.01, (0.0, 100.0))
    assert found.y == pytest.approx(bending.y[40], abs=1.0)
    assert found.displacement[0] == pytest.approx(0.1, rel=0.05)


def test_what_a_gap_hides_is_no_jump():
    """Rows may be displaced against each other, and bend, where forces are not known."""
    rows = still_rows(np.zeros(120))
    rows.known[58:63] = False
    beyond = rows.y - rows.y[60]
    hidden = 0.1 * ndtr(beyond / RESOLUTION) + 1e-3 * np.maximum(beyond, 0.0)
    both = replace(rows, displacement=hidden), rows
    assert not find_jumps(both, RESOLUTION, 0.01, (0.0, 100.0))
    jump = 0.1 * ndtr((rows.y - rows.y[30]) / RESOLUTION)
    both = replace(rows, displacement=hidden + jump), rows
    (found,) = find_jumps(both, RESOLUTION, 0.01, (0.0, 100.0))
    assert found.y == pytest.approx(rows.y[30], abs=1.0)


def test_errors_of_jumps_are_those_of_the_lines():
    """The fit's errors are the scatter of its sizes, also next to an outline, where windows end."""
    rows = still_rows(np.zeros(120))
    rows.bend[59:62] = 1e-4
    _, weights, errors = _fits_of_jumps(rows, RESOLUTION, REACH)
    step, images, random = 0.4, 400, np.random.default_rng(3)
    fine = np.arange(-30.0, 370.0, step)
    jitter = np.sqrt(rows.density[0] / step) * random.standard_normal((len(fine), images))
    below = (fine > rows.y[60] + 1.4)[:, None]
    shown = np.zeros_like(jitter)
    for side in (below, ~below):
        mean = gaussian_filter1d(jitter * side, RESOLUTION / step, axis=0)
        share = gaussian_filter1d(side.astype(float), RESOLUTION / step, axis=0)
        shown += side * mean / np.where(side, share, 1.0)
    shown = gaussian_filter1d(shown, SMOOTH / step, axis=0)
    seen = np.stack([np.interp(rows.y, fine, one) for one in shown.T], axis=1)
    bends = 1e-4 * random.standard_normal(images)
    seen += bends * np.maximum(rows.y - rows.y[60], 0.0)[:, None]
    scatter = (weights @ seen).std(axis=1) / errors
    np.testing.assert_allclose(scatter[15:-15], 1.0, atol=0.15)


def test_layers_that_end_at_different_places_weigh_alike():
    """Forces of two layers that cancel do not make a force of the rows."""
    layers, rows = [], []
    for layer in range(60):
        inner = layer // 2 % 2  # rows of two layers end in turns further in
        layers.append(4.0 * np.arange(80 - inner) + 2.0 * inner)
        rows.append(np.full(80 - inner, layer // 2))
    free = [np.isin(np.arange(len(one)), [0, len(one) - 1]) for one in layers]
    weight = _taper(*(np.concatenate(one) for one in (layers, rows, free)))
    of_rows = np.bincount(np.concatenate(rows), weight)[2:-2]
    np.testing.assert_allclose(of_rows, of_rows.mean(), rtol=1e-3)


def test_rows_share_the_noise_of_lines_and_average_that_of_pixels():
    of_lines, of_pixels, width = 3e-4, 2e-3, 200.0
    squared = of_lines / (2 * np.sqrt(np.pi) * RESOLUTION) + of_pixels / (4 * np.pi * RESOLUTION**2)
    error = np.sqrt(squared * np.array([1.0, 1.0, 2.0]))[:, None]
    noise = MeasuredNoise(error, np.full((3, 1), of_lines), RESOLUTION, np.ones(3, int))
    expected = of_lines + of_pixels / width
    more = expected + squared * 4 * np.pi * RESOLUTION**2 / width
    np.testing.assert_allclose(noise.density(0, width), [expected, expected, more])


def test_distances_are_those_from_outlines(crystal):
    """Columns of atoms are as far apart as cells: empty cells among them are no outlines."""
    points = crystal[0][:, :2]
    region = np.where(points[:, 0] < 80.0, 1, 2)
    column, row = ((points - points.min(axis=0)) / CELL).astype(int).T
    shape = int(row.max()) + 1, int(column.max()) + 1
    labels = _labels(region, row * shape[1] + column, shape)
    assert (labels[BETWEEN:-BETWEEN, BETWEEN:-BETWEEN] > 0).all()
    x, y = ((np.arange(size) + 0.5) * CELL for size in shape[::-1])
    low, high = np.zeros(2), points.max(axis=0)
    outlines = np.minimum(np.minimum(x - low[0], high[0] - x), np.abs(x - 80.0))
    true = np.minimum(outlines, np.minimum(y - low[1], high[1] - y)[:, None])
    np.testing.assert_allclose(_distance(labels), true, atol=2 * CELL)


def test_areas_of_noise_are_blamed_as_rarely_as_they_should_be():
    """Forces of smooth noise, twice as large in one of two regions of columns 4 Å apart."""
    y, x = 4.0 * np.mgrid[:80, :80].reshape(2, -1)
    points, region = np.column_stack([x, y]), np.where(y < 130.0, 1, 2)
    size = len(points)
    noise = MeasuredNoise(np.full((size, 2), ERROR), np.zeros((size, 2)), RESOLUTION, region)
    blamed = 0
    for seed in range(40):
        field = np.random.default_rng(seed).standard_normal((2, 80, 80))
        force = np.stack(
            [gaussian_filter(one, RESOLUTION / 4.0, order=(0, 2)).ravel() for one in field], axis=1
        )
        force *= region[:, None]
        blamed += bool(find_spots(points, force, np.ones(size, bool), noise, 0.1))
    # Binomial with 0.1: above 9 of 40 once in 100 runs.
    assert blamed <= 9


def test_a_local_distortion_is_found_where_it_is(crystal):
    positions = crystal[0]
    around = np.hypot(*(positions[:, :2] - (65.0, 65.0)).T)
    displacement = jittered(crystal, 5)
    displacement[:, 1] += 0.3 * np.exp(-0.5 * (around / 8.0) ** 2)
    spots = [one for one in checked(crystal, displacement).suspects if not one.is_line]
    assert spots
    assert np.hypot(spots[0].x - 65.0, spots[0].y - 65.0) < 10.0
    assert all(np.hypot(one.x - 65.0, one.y - 65.0) < 30.0 for one in spots)


def test_causes_come_from_what_else_is_known():
    known = Evidence(
        points=np.array([[x, y] for x in range(0, 400, 4) for y in range(0, 400, 4)], float),
        region=np.repeat([1, 2], 5000),
        whole=np.ones(10000, bool),
        error=np.ones(10000),
        resolution=5.0,
        dislocations=np.array([[100.0, 100.0]]),
        fly_back=20.0,
        drifts=False,
    )
    unknown = (np.nan, np.nan)

    def cause(x, y):
        return name_cause(Suspect(x, y, 20.0, 20.0, 7.0, unknown, False), known)

    assert cause(105.0, 95.0) == "dislocation"
    assert cause(10.0, 300.0) == "fly-back of the scan"
    assert cause(205.0, 300.0) == "outline of regions 1 and 2"
    assert cause(300.0, 395.0) == "border of the model"
    assert cause(300.0, 200.0).startswith("unknown")
    line = Suspect(200.0, 100.0, 400.0, 10.0, 6.0, (-0.031, 0.0), True)
    assert name_cause(line, known) == "scan: jump of -3.1 pm along x"


def test_forces_are_averaged_over_columns_and_pixels():
    points = np.array([[10.0, 10.0], [10.0, 10.0], [30.0, 10.0]])
    values = np.array([0.1, 0.3, 0.5])
    np.testing.assert_allclose(mean_per_column(points, values), [0.2, 0.2, 0.5])
    grid = Grid((40, 50), (1.0, 1.0))
    found = mean_per_pixel(points, values, grid, 2.0)
    assert found[10, 10] == pytest.approx(0.2)
    assert found[10, 30] == pytest.approx(0.5)
    assert np.isnan(found[35, 10])


def test_nothing_to_test_is_an_error(crystal):
    with pytest.raises(ValueError, match="nothing can be tested"):
        checked(crystal, 0.0, error=np.nan)

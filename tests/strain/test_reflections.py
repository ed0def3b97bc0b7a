"""Many reflections: precision against its bound, honest errors, and what is right for alloys."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis
from hyperspy_twin.strain.strain_tensor import solve_nodes
from hyperspy_twin.strain.wave_weights import combine_waves

PERIOD = 16.0  # pixels
# Reflections of a square lattice in units of 1 / PERIOD.
SQUARE = np.array([[1, 0], [0, 1], [1, 1], [1, -1], [2, 0], [0, 2]], float)
HEXAGONAL = np.array([[1, 0], [0.5, np.sqrt(0.75)], [-0.5, np.sqrt(0.75)]])
GRID = Grid((272, 272), (1.0, 1.0))
MARGIN = 60
COMPONENTS = ("xx", "yy", "xy", "rotation")
INTERIOR = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
# The rows of pixels along the upper and the lower border.
OUTLINE = ([0, -1], slice(MARGIN, -MARGIN))
NOISES = ("poisson", "white")


def columns(width, basis=SQUARE[:2], shape=GRID.shape):
    """Mean intensity of a lattice of Gaussian columns of a width in periods, of mean 1."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape)
    for h in range(-8, 9):
        for k in range(-8, 9):
            g = h * basis[0] + k * basis[1]
            damping = np.exp(-2 * (np.pi * width) ** 2 * (g @ g))
            image += damping * np.cos(2 * np.pi * (g[0] * x + g[1] * y) / PERIOD)
    return image


def draw(image, dose, noise, rng):
    if noise == "poisson":
        return rng.poisson(dose * np.maximum(image, 0.0)).astype(float)
    return dose * image + rng.normal(0.0, np.sqrt(dose), image.shape)


def bound(image, dose, noise):
    """Cramer-Rao bound of the root mean square error of e_xx and e_yy of all beams together."""
    slope = np.stack(np.gradient(image)[::-1]) * dose
    variance = dose * (np.maximum(image, 1e-9) if noise == "poisson" else 1.0)
    part = slice(MARGIN, MARGIN + 8 * int(PERIOD))
    information = np.mean((slope**2 / variance)[:, part, part], axis=(1, 2))
    return np.sqrt(np.mean(1 / (8 * np.pi * PERIOD**4 * information)))


@cache
def simulate(
    beams, noise="poisson", width=0.17, dose=100, hexagonal=False, count=12, resolution=PERIOD
):
    """Errors and stated errors, each by component, shape (count, rows, columns)."""
    rng = np.random.default_rng(11)
    reflections = HEXAGONAL if hexagonal else SQUARE
    image = columns(width, reflections[:2])
    errors, sigmas = {}, {}
    for _ in range(count):
        result = geometric_phase_analysis(
            draw(image, dose, noise, rng),
            GRID,
            reflections[:beams] / PERIOD,
            resolution=resolution,
            reference=np.ones(GRID.shape, bool),
        )
        for name in COMPONENTS:
            value = result.rotation if name == "rotation" else getattr(result, f"e_{name}")
            errors.setdefault(name, []).append(value)
            sigmas.setdefault(name, []).append(getattr(result, f"sigma_{name}"))
    return (
        {name: np.array(found) for name, found in errors.items()},
        {name: np.array(found) for name, found in sigmas.items()},
    )


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


def precision(*arguments, **options):
    """Root mean square error of e_xx and e_yy in the interior."""
    errors, _ = simulate(*arguments, **options)
    return rms([errors[name][(..., *INTERIOR)] for name in ("xx", "yy")])


def assert_honest(errors, sigmas, part, lowest=0.87, highest=1.13):
    for name in COMPONENTS:
        inside = (..., *part)
        chi = rms(errors[name][inside]) / rms(sigmas[name][inside])
        assert lowest < chi < highest, (name, chi)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("beams", [2, 4, 6])
def test_errors_of_every_component_are_honest(beams, noise):
    assert_honest(*simulate(beams, noise), INTERIOR)


@pytest.mark.parametrize("beams", [2, 4, 6])
def test_errors_are_honest_along_the_border(beams):
    found = simulate(beams, dose=10, resolution=1.5 * PERIOD)
    # Two rows of few independent windows: their standard error is a twelfth.
    assert_honest(*found, OUTLINE, 0.75, 1.25)


@pytest.mark.parametrize("dose", [10, 1000])
def test_errors_are_honest_at_any_dose(dose):
    assert_honest(*simulate(6, dose=dose), INTERIOR)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("width", [0.12, 0.17])
def test_six_reflections_reach_the_bound(width, noise):
    found = precision(6, noise, width)
    pair = precision(2, noise, width)
    assert found <= 1.03 * pair
    if noise == "poisson":
        # Six reflections hold all but 2 % of the information, and their covariance is estimated.
        assert found <= 1.1 * bound(columns(width), 100, noise)
    else:
        assert found <= pair / 1.15


def test_three_reflections_of_a_hexagonal_lattice_beat_two():
    pair = precision(2, "white", hexagonal=True)
    assert precision(3, "white", hexagonal=True) <= pair / 1.2
    assert precision(3, hexagonal=True) <= precision(2, hexagonal=True) / 1.02


def test_perfect_lattice_without_noise():
    image, inside = columns(0.17), (slice(120, -120), slice(120, -120))
    reference = np.zeros(GRID.shape, bool)
    reference[inside] = True
    result = geometric_phase_analysis(
        image, GRID, SQUARE / PERIOD, resolution=PERIOD, reference=reference
    )
    for name in ("e_xx", "e_yy", "e_xy"):
        assert np.abs(getattr(result, name)[inside]).max() < 1e-5


def displaced(u_x, u_y, width=0.17, shape=GRID.shape):
    """Lattice of columns displaced by functions of the position, of mean 1."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    x, y = x - u_x(x, y), y - u_y(x, y)
    image = np.ones(shape)
    for h, k in ((1, 0), (0, 1), (1, 1), (1, -1), (2, 0), (0, 2)):
        damping = 2 * np.exp(-2 * (np.pi * width) ** 2 * (h * h + k * k))
        image += damping * np.cos(2 * np.pi * (h * x + k * y) / PERIOD)
    return image


def test_step_of_two_percent_is_exact_on_its_plateaus():
    shape, edge, strain = (320, 480), 240.0, 0.02

    def along(x, y):
        return strain / (1 + strain) * np.maximum(x - edge, 0.0)

    image = displaced(along, lambda x, y: 0 * x, shape=shape)
    labels = np.where(np.arange(480) < edge, 1, 2) * np.ones(shape, int)
    reference = labels == 1
    reference[:, 160:] = False
    reference[:, :80] = reference[:80] = reference[-80:] = False
    for regions in (None, labels):
        result = geometric_phase_analysis(
            image,
            Grid(shape, (1.0, 1.0)),
            SQUARE / PERIOD,
            resolution=PERIOD,
            reference=reference,
            labels=regions,
        )
        for part, true in ((slice(80, 160), 0.0), (slice(320, 400), strain)):
            assert np.abs(result.e_xx[80:-80, part] - true).max() < 1e-4
            assert np.abs(result.e_yy[80:-80, part]).max() < 1e-4


@pytest.mark.parametrize("periods", [45.0, 70.0])
def test_slow_strain_has_slope_one(periods):
    """The window passes exp(-2 pi^2 / 45^2) = 0.990 of a sine with a period of 45 s."""
    resolution, shape = PERIOD, (240, int(1.2 * periods * PERIOD) // 2 * 2)
    length, height = periods * resolution, 0.01

    def along(x, y):
        return -height * length / (2 * np.pi) * np.cos(2 * np.pi * x / length)

    image = displaced(along, lambda x, y: 0 * x, shape=shape)
    rng = np.random.default_rng(2)
    result = geometric_phase_analysis(
        rng.poisson(1000 * np.maximum(image, 0.0)).astype(float),
        Grid(shape, (1.0, 1.0)),
        SQUARE / PERIOD,
        resolution=resolution,
        reference=np.ones(shape, bool),
        definition="eulerian",
    )
    inside = slice(60, -60), slice(60, -60)
    true = height * np.sin(2 * np.pi * np.arange(shape[1]) / length) * np.ones(shape)
    slope = np.polyfit(true[inside].ravel(), result.e_xx[inside].ravel(), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.011)


def sige(reflections):
    """Error of e_yy in the barrier of a well without jitter, 1 nm inside, and its truth."""
    from hyperspy_twin import data

    signal = data.sige_quantum_well(shape=(1024, 512), well_thickness=8.0, scan_jitter=0.0)
    sample = json.loads(signal.metadata.Twin.sample)
    pixel, spacing = signal.axes_manager[0].scale, 0.5584
    labels = data.truth(sample["name"], sample["arguments"]).labels
    inner = distance_transform_edt(np.pad(labels == 3, 1))[1:-1, 1:-1] * pixel
    for hl in reflections:
        result = geometric_phase_analysis(
            signal.data,
            Grid(labels.shape, (pixel, pixel)),
            np.array(hl) * [np.sqrt(2) / spacing, 1 / spacing],
            resolution=0.5,
            reference=inner > 1.25,
            labels=labels,
        )
        error = result.e_yy[inner > 1.0]
        yield rms(error), rms(error) / rms(result.sigma_yy[inner > 1.0])


def test_reflections_of_an_alloy_are_weighed_by_their_covariance():
    """Random occupancy shifts (1-11) and (1-1-1) against each other."""
    both = [(1, 1), (1, -1)]
    pair, six = sige([both, [(2, 0), (0, 4), *both, (1, 3), (1, -3)]])
    assert six[0] <= 4e-4 < 1.5e-3 < pair[0]
    assert 0.75 < pair[1] < 1.25
    assert six[1] < 1.25


def test_reflection_that_the_reference_lacks():
    rng = np.random.default_rng(3)
    image = rng.normal(columns(0.2), 1.0)
    vectors = np.concatenate([SQUARE[:4], [[1.5, 0.5]]]) / PERIOD
    options = {"resolution": 1.5 * PERIOD, "reference": np.ones(GRID.shape, bool)}
    with pytest.raises(ValueError, match="no lattice at vector 5"):
        geometric_phase_analysis(image, GRID, vectors, **options)
    found = geometric_phase_analysis(image, GRID, vectors, **options, required=2)
    expected = geometric_phase_analysis(image, GRID, vectors[:4], **options)
    np.testing.assert_allclose(found.vectors, expected.vectors, atol=1e-6)
    assert rms(found.e_xx - expected.e_xx) < 0.1 * rms(expected.sigma_xx)


def test_reflection_that_a_part_of_the_image_lacks():
    """The four waves are worth more than two where all are there, and two are enough elsewhere."""
    y, x = np.mgrid[: GRID.shape[0], : GRID.shape[1]]
    turns = 2 * np.pi * (SQUARE[:4, 0, None, None] * x + SQUARE[:4, 1, None, None] * y) / PERIOD
    heights = np.where((np.arange(4)[:, None, None] < 2) | (x < 136), 1.0, 0.0)
    image = np.sum(heights * np.cos(turns), axis=0)
    image += np.random.default_rng(4).normal(0.0, 1.0, GRID.shape)
    reference = (x > 40) & (x < 90) & (y > 40) & (y < 230)
    result = geometric_phase_analysis(
        image, GRID, SQUARE[:4] / PERIOD, resolution=PERIOD, reference=reference
    )
    left, right = (slice(60, -60), slice(60, 90)), (slice(60, -60), slice(190, 220))
    # Four equal waves: the sum of g^2 along each axis is three times that of the pair.
    ratio = rms(result.sigma_xx[right]) / rms(result.sigma_xx[left])
    assert ratio == pytest.approx(np.sqrt(3.0), rel=0.1)
    assert rms(result.e_xx[right]) == pytest.approx(rms(result.sigma_xx[right]), rel=0.5)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(-0.1, 0.1), min_size=4, max_size=4),
    st.integers(2, 5),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_any_deformation_and_any_covariance(change, count, seed, lagrangian):
    """Exact strain whatever the weights, and errors that agree with a direct propagation."""
    rng = np.random.default_rng(seed)
    angle = np.arange(count) * np.pi / count + rng.uniform(-0.1, 0.1, count)
    vectors = rng.uniform(1.0, 2.0, count)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    eulerian = np.reshape(change, (2, 2))
    frequency = -vectors @ eulerian
    root = rng.normal(size=(count, count))
    covariance = root @ root.T + 0.1 * np.eye(count)
    root = 0.1 * rng.normal(size=(count, count))
    lines = root @ root.T
    magnitude = rng.uniform(0.5, 2.0, count)
    window = np.array([[2.0, 0.3], [0.3, 1.0]])
    significant = np.ones((count, 1, 1), bool)
    subset, inverses = combine_waves(significant, covariance, vectors)

    def solve(frequencies, function=solve_nodes):
        return function(
            magnitude[:, None, None].astype(np.float32),
            frequencies[..., None, None].astype(np.float32),
            subset,
            inverses,
            vectors,
            covariance,
            lines,
            window[..., None, None].astype(np.float32),
            lagrangian,
        )

    fields, solution = solve(frequency)
    plain, plain_solution = solve(frequency, solve_nodes.py_func)
    np.testing.assert_allclose(fields, plain, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(solution, plain_solution, rtol=1e-4, atol=1e-5)
    expected = np.linalg.inv(np.eye(2) - eulerian) - np.eye(2) if lagrangian else eulerian
    turn = np.arctan2(expected[0, 1] - expected[1, 0], 2 + expected.trace())
    turn = turn if lagrangian else (expected[0, 1] - expected[1, 0]) / 2
    shear = (expected[0, 1] + expected[1, 0]) / 2
    values = [expected[0, 0], expected[1, 1], shear, np.degrees(turn)]
    np.testing.assert_allclose(fields[:3, 0, 0], values[:3], atol=1e-5)
    assert fields[3, 0, 0] == pytest.approx(values[3], abs=1e-3)
    np.testing.assert_allclose(solution[:, :, 0, 0] @ vectors, np.eye(2), atol=1e-4)

    # Frequencies of all waves along x and y, and what a small change of each does.
    phases = 2 * covariance / np.outer(magnitude, magnitude)
    both = np.kron(phases, window) + np.kron(lines, np.diag([0.0, window[1, 1]]))
    step = 1e-3
    slopes = []
    for k in range(count):
        for axis in (0, 1):
            moved = [frequency.copy(), frequency.copy()]
            moved[0][k, axis] += step
            moved[1][k, axis] -= step
            high, low = (solve(one)[0][:4, 0, 0].astype(float) for one in moved)
            slopes.append((high - low) / (2 * step))
    slopes = np.array(slopes)
    errors = np.sqrt(np.diag(slopes.T @ both @ slopes)) / (2 * np.pi)
    np.testing.assert_allclose(fields[4:, 0, 0], errors, rtol=0.02)


def test_waves_in_one_direction_give_no_strain():
    significant = np.array([[[True, True, False]], [[True, False, True]], [[True, True, True]]])
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    subset, inverses = combine_waves(significant, np.eye(3), vectors)
    assert (subset >= 0).tolist() == [[True, False, True]]
    np.testing.assert_allclose(inverses[subset[0, 0]], np.eye(3), atol=1e-5)
    np.testing.assert_allclose(inverses[subset[0, 2]], np.diag([0, 1, 1]), atol=1e-5)

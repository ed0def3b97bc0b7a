"""Gradients of strain: of planted fields, and their errors against repeated images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis
from hyperspy_twin.strain.mechanics import (
    Analysis,
    LocalSlopes,
    MeasuredStrain,
    Smoothing,
    StrainGradients,
    find_rim,
)

PERIOD, RESOLUTION = 8.0, 8.0
GRID = Grid((190, 200), (1.0, 1.0))
BEAMS = np.array([[1, 0], [0, 1]]) / PERIOD
RIM = find_rim(RESOLUTION, BEAMS)
# A region of most of the height.
LABELS = np.where(np.arange(190) < 150, 2, 1)[:, None] * np.ones((1, 200), int)
# e_xy = 3e-5 x + 2e-5 x / 2 and e_xx = 2e-5 y about the middle, per pixel.
SHEAR, NORMAL = 3e-5, 2e-5


def displaced(rng=None, dose=100.0):
    x, y = np.meshgrid(GRID.x - 100.0, GRID.y - 75.0)
    u_x, u_y = NORMAL * x * y, SHEAR * x**2
    image = 1.0 + 0.4 * sum(
        np.cos(2 * np.pi * (g[0] * (x - u_x) + g[1] * (y - u_y))) for g in BEAMS
    )
    return dose * image if rng is None else rng.poisson(dose * image).astype(float)


def measured(image):
    field = geometric_phase_analysis(
        image, GRID, BEAMS, resolution=RESOLUTION, reference=LABELS == 1, labels=LABELS
    )
    components = np.array([field.e_xx, field.e_yy, field.e_xy, field.rotation])
    sigmas = np.array([field.sigma_xx, field.sigma_yy, field.sigma_xy])
    analysis = Analysis(LABELS, GRID, RESOLUTION, BEAMS, 1, field.noise)
    return MeasuredStrain(components, sigmas, LABELS, GRID, "lagrangian", analysis=analysis)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(slope=st.tuples(*[st.floats(-1, 1)] * 2), order=st.sampled_from([1, 2]))
def test_slope_of_a_plane_is_exact_in_any_region(slope, order):
    x, y = np.meshgrid(0.5 * np.arange(40), 0.25 * np.arange(50))
    mask = (x - 8) ** 2 + (y - 6) ** 2 < 25
    found = LocalSlopes(mask, (0.5, 0.25), Smoothing(2.0, order)).of(
        3.0 + slope[0] * x + slope[1] * y
    )
    assert np.allclose(found[:, mask], np.array(slope)[:, None], atol=1e-9)
    assert np.isnan(found[:, ~mask]).all()


def test_second_order_is_exact_for_a_parabola():
    x, y = np.meshgrid(np.arange(40.0), np.arange(50.0))
    mask = x + y < 60
    found = LocalSlopes(mask, (1.0, 1.0), Smoothing(4.0, 2)).of(x**2 - x * y)
    assert np.allclose(found[0][mask], (2 * x - y)[mask], atol=1e-7)
    assert np.allclose(found[1][mask], -x[mask], atol=1e-7)


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 1.0), (2.0, -1.5)])
def test_planted_gradients_are_measured(weights):
    gradients = StrainGradients(measured(displaced()), 2, 0.0, Smoothing(20.0), RIM)
    value = gradients.value(*weights)
    expected = weights[0] * (2 * SHEAR + NORMAL) / 2 + weights[1] * NORMAL
    known = np.isfinite(value)
    assert np.abs(value[known]) == pytest.approx(abs(expected), rel=0.02)
    assert not known[LABELS == 1].any() and not known[151 - int(RIM) :].any()
    assert known[75, 100]


def test_axes_that_are_turned_by_half_a_turn_are_the_same():
    strain = measured(displaced())
    one, other = (
        StrainGradients(strain, 2, angle, Smoothing(20.0), RIM).value(1.0, 0.5)
        for angle in (0.0, 180.0)
    )
    known = np.isfinite(one)
    assert known.any() and np.allclose(np.abs(one[known]), np.abs(other[known]), rtol=1e-6)


def test_errors_against_repeated_images():
    """Thirty images at a dose of 100: within 20 % in each third of the region."""
    rng, weights = np.random.default_rng(5), ((1.0, 0.0), (1.0, 0.6))
    values = []
    for _ in range(30):
        gradients = StrainGradients(measured(displaced(rng)), 2, 0.0, Smoothing(20.0), RIM)
        values.append([gradients.value(*one) for one in weights])
    for number, one in enumerate(weights):
        spread = np.std([pair[number] for pair in values], axis=0, ddof=1)
        error = gradients.error(*one)
        known = np.isfinite(error)
        for rows in np.array_split(np.flatnonzero(known.any(axis=1)), 3):
            part = known[rows]
            ratio = np.sqrt(np.mean(spread[rows][part] ** 2) / np.mean(error[rows][part] ** 2))
            assert ratio == pytest.approx(1.0, abs=0.2), (one, ratio)


def test_smoothing_that_is_none():
    with pytest.raises(ValueError, match="positive length"):
        Smoothing(0.0)
    with pytest.raises(ValueError, match="1 or 2"):
        Smoothing(1.0, 3)

"""Many reflections: precision against its bound, honest errors, and what is right for alloys."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis

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
    for given in (None, labels):
        result = geometric_phase_analysis(
            image,
            Grid(shape, (1.0, 1.0)),
            SQUARE / PERIOD,
            resolution=PERIOD,
            reference=reference,
            labels=given,
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


@pytest.fixture(scope="module")
def well():
    from hyperspy_twin import data

    signal = data.sige_quantum_well(shape=(512, 512), well_thickness=8.0)
    sample = json.loads(signal.metadata.Twin.sample)
    pixel = signal.axes_manager[0].scale
    truth = data.truth(sample["name"], sample["arguments"])
    return signal.data, Grid(signal.data.shape, (pixel, pixel)), truth

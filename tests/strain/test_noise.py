"""The standard error of the strain against Monte-Carlo."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis

PERIOD = 12.0
VECTORS = np.array([[1 / PERIOD, 0.0], [0.0, 1 / PERIOD]])
GRID = Grid((220, 260), (1.0, 1.0))


def fringes(vectors=VECTORS):
    y, x = np.mgrid[: GRID.shape[0], : GRID.shape[1]]
    return sum(np.cos(2 * np.pi * (g[0] * x + g[1] * y)) for g in vectors)


def repeat(make, vectors, resolution, count=12, **arguments):
    rng = np.random.default_rng(5)
    arguments = {"reference": np.ones(GRID.shape, bool), **arguments}
    errors, sigmas = [], []
    for _ in range(count):
        result = geometric_phase_analysis(
            make(rng), GRID, vectors, resolution=resolution, **arguments
        )
        errors.append([result.e_xx, result.e_yy])
        sigmas.append(result.sigma)
    return np.array(errors), np.array(sigmas)


def test_poisson_noise_reaches_the_two_beam_floor():
    dose, contrast, resolution = 100, 0.25, 12.0
    image = dose * (1 + contrast * fringes())
    errors, sigmas = repeat(lambda rng: rng.poisson(image), VECTORS, resolution)
    inner = (..., slice(60, -60), slice(60, -60))
    floor = (
        np.sqrt(dose) / (contrast * dose) * PERIOD / (2 * np.pi)
        / (2 * np.sqrt(np.pi) * resolution**2)
    )  # fmt: skip
    assert np.sqrt((errors[inner] ** 2).mean()) == pytest.approx(floor, rel=0.1)
    assert sigmas[inner].mean() == pytest.approx(floor, rel=0.08)


@pytest.mark.parametrize(
    "vectors",
    [
        np.array([[1 / PERIOD, 0.0], [0.6 / PERIOD, 0.9 / PERIOD]]),
        np.array([[1, 0], [0, 1], [1, 1], [1, -1]]) / PERIOD,
    ],
    ids=["oblique", "four vectors"],
)
def test_sigma_agrees_with_monte_carlo_also_at_the_edge(vectors):
    clean = fringes(vectors)
    errors, sigmas = repeat(
        lambda rng: clean + rng.normal(0, 3.0, GRID.shape), vectors, 1.5 * PERIOD
    )
    inner, edge = (slice(70, -70), slice(70, -70)), (0, slice(70, -70))
    for part in (inner, edge):
        true = np.sqrt((errors[(..., *part)] ** 2).mean())
        assert np.sqrt((sigmas[(..., *part)] ** 2).mean()) == pytest.approx(true, rel=0.15)
    assert sigmas[(..., *edge)].mean() > 1.5 * sigmas[(..., *inner)].mean()


def test_four_vectors_are_more_precise_than_two():
    vectors = np.array([[1, 0], [0, 1], [1, 1], [1, -1]]) / PERIOD
    clean = fringes(vectors)

    def make(rng):
        return clean + rng.normal(0, 2.0, GRID.shape)

    inner = (..., slice(60, -60), slice(60, -60))
    two, _ = repeat(make, vectors[:2], PERIOD, count=6)
    four, _ = repeat(make, vectors, PERIOD, count=6)
    # Four equal waves: sum g^2 along each axis is three times that of the pair.
    gain = np.sqrt((two[inner] ** 2).mean() / (four[inner] ** 2).mean())
    assert gain == pytest.approx(np.sqrt(3.0), rel=0.1)


def test_sigma_grows_where_the_amplitude_falls():
    x = np.arange(GRID.shape[1])
    envelope = np.where(x < 130, 1.0, 0.25)
    errors, sigmas = repeat(
        lambda rng: envelope * fringes() + rng.normal(0, 1.0, GRID.shape), VECTORS, PERIOD
    )
    strong, weak = (..., slice(60, -60), slice(50, 90)), (..., slice(60, -60), slice(170, 210))
    assert sigmas[weak].mean() / sigmas[strong].mean() == pytest.approx(4.0, rel=0.1)
    true = np.sqrt((errors[weak] ** 2).mean())
    assert np.sqrt((sigmas[weak] ** 2).mean()) == pytest.approx(true, rel=0.25)


def test_lagrangian_sigma_follows_the_strain():
    stretched = VECTORS / 1.1
    y, x = np.mgrid[: GRID.shape[0], : GRID.shape[1]]
    clean = np.where(x < 130, fringes(), fringes(stretched))
    reference = np.zeros(GRID.shape, bool)
    reference[50:-50, 40:90] = True
    labels = np.where(x < 130, 1, 2)
    errors, sigmas = repeat(
        lambda rng: clean + rng.normal(0, 1.0, GRID.shape),
        VECTORS,
        PERIOD,
        reference=reference,
        labels=labels,
    )
    part = (..., slice(60, -60), slice(175, 215))
    true = np.sqrt(((errors[part] - 0.1) ** 2).mean())
    assert np.sqrt((sigmas[part] ** 2).mean()) == pytest.approx(true, rel=0.15)


@pytest.mark.parametrize(
    "vectors",
    [VECTORS, np.array([[1.1, 0.5], [-0.5, 1.0]]) / PERIOD],
    ids=["along the axes", "oblique"],
)
def test_sigma_includes_the_jitter_of_scan_lines(vectors):
    y, x = np.mgrid[: GRID.shape[0], : GRID.shape[1]].astype(float)

    def make(rng):
        jitter_x = rng.normal(0, 0.3, (GRID.shape[0], 1))
        jitter_y = rng.normal(0, 0.15, (GRID.shape[0], 1))
        image = sum(
            np.cos(2 * np.pi * (g[0] * (x - jitter_x) + g[1] * (y - jitter_y))) for g in vectors
        )
        return image + rng.normal(0, 0.1, GRID.shape)

    errors, sigmas = repeat(make, vectors, PERIOD)
    inner = (..., slice(60, -60), slice(60, -60))
    along_x, along_y = np.sqrt((errors[inner] ** 2).mean(axis=(0, 2, 3)))
    assert along_y > 2 * along_x
    true = np.sqrt((errors[inner] ** 2).mean())
    assert np.sqrt((sigmas[inner] ** 2).mean()) == pytest.approx(true, rel=0.25)

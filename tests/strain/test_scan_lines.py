"""The jitter of scan lines, and what it does to waves that share a column of the spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Grid
from hyperspy_twin.strain.lattice_waves import measure_lattice_waves
from hyperspy_twin.strain.noise import measure_noise
from hyperspy_twin.strain.noise.scan_lines import fit_jitter, line_covariance, measure_columns
from hyperspy_twin.strain.pieces import find_pieces

PERIOD, WIDTH = 8.0, 1.36  # pixels
GRID = Grid((256, 240), (1.0, 1.0))
HALVES = np.where(np.arange(GRID.shape[0]) < 128, 1, 2)[:, None] * np.ones((1, GRID.shape[1]), int)
BEAMS = np.array([[1, 0], [0, 1], [1, 1], [1, -1], [2, 0], [0, 2]]) / PERIOD
TURNED = BEAMS @ np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]])


def columns_of_atoms(offsets):
    """Mean image of Gaussian columns, one electron each, seen by displaced lines."""
    y, x = np.arange(GRID.shape[0]) + 0.3 + offsets[:, 1], np.arange(GRID.shape[1]) + 0.4
    rows = comb(y)[:, None]
    return rows * comb(x[None] + offsets[:, :1])


def comb(place):
    place = (place + PERIOD / 2) % PERIOD - PERIOD / 2
    return sum(np.exp(-0.5 * ((place - PERIOD * n) / WIDTH) ** 2) for n in (-1, 0, 1))


def fringes(offsets, vectors):
    y, x = np.arange(GRID.shape[0])[:, None] + offsets[:, 1:], np.arange(GRID.shape[1])[None]
    return 1.0 + 0.15 * sum(
        np.cos(2 * np.pi * (g * (x + offsets[:, :1]) + h * y)) for g, h in vectors
    )


def white(rng, jitter):
    return rng.normal(size=(GRID.shape[0], 2)) * jitter


def waves_of(image, vectors=BEAMS, labels=None, resolution=1.5 * PERIOD):
    return [
        measure_lattice_waves(image, piece, GRID.scale, vectors, resolution)
        for piece in find_pieces(labels, GRID, resolution)
    ]


def jitter_of(regions):
    return np.sqrt(fit_jitter([one for region in regions for one in measure_columns(region)]))


@pytest.mark.parametrize("labels", [None, HALVES], ids=["whole", "halves"])
@pytest.mark.parametrize("dose", [30, 1000])
@pytest.mark.parametrize("jitter", [(0.1, 0.05), (0.05, 0.1)])
def test_jitter_along_each_axis(jitter, dose, labels):
    rng = np.random.default_rng(3)
    found, drawn = [], []
    for _ in range(4):
        offsets = white(rng, jitter)
        image = rng.poisson(dose * columns_of_atoms(offsets)).astype(float)
        found.append(jitter_of(waves_of(image, labels=labels)))
        drawn.append(offsets.std(axis=0))
    np.testing.assert_allclose(
        np.mean(found, axis=0), np.mean(drawn, axis=0), rtol=0.15 if dose > 30 else 0.3
    )


def test_jitter_of_a_turned_lattice():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(4):
        image = rng.poisson(300 * fringes(white(rng, (0.1, 0.05)), TURNED)).astype(float)
        found.append(jitter_of(waves_of(image, TURNED)))
    np.testing.assert_allclose(np.mean(found, axis=0), [0.1, 0.05], rtol=0.15)


@pytest.mark.parametrize("labels", [None, HALVES], ids=["whole", "halves"])
@pytest.mark.parametrize("resolution", [1.0, 1.5])
@pytest.mark.parametrize("dose", [3, 1000, None])
def test_there_is_none_in_a_steady_scan(dose, resolution, labels):
    """Tails of strong reflections are none, nor is what rounding leaves without any noise."""
    rng, still = np.random.default_rng(1), np.zeros((GRID.shape[0], 2))
    image = 100.0 * columns_of_atoms(still)
    for _ in range(1 if dose is None else 6):
        if dose is not None:
            image = rng.poisson(dose * columns_of_atoms(still)).astype(float)
        found = jitter_of(waves_of(image, labels=labels, resolution=resolution * PERIOD))
        assert (found == 0.0).all() if dose is not None else (found < 1e-3).all(), found


def test_slow_motion_counts_by_what_is_next_to_the_reflections():
    """Power at the frequencies of strain is what matters: that of the shortest is far less."""
    rng, found = np.random.default_rng(2), []
    for _ in range(6):
        steps = white(rng, (0.1, 0.1))
        for row in range(1, len(steps)):
            steps[row] += 0.7 * steps[row - 1]
        image = rng.poisson(1000 * fringes(steps, TURNED)).astype(float)
        found.append(jitter_of(waves_of(image, TURNED)))
    # The power of such motion at k is 0.1^2 / |1 - 0.7 exp(2 pi i k)|^2: 0.2^2 to 0.3^2 next to the
    # reflections, 0.06^2 at the highest frequency.
    assert (np.mean(found, axis=0) > 0.15).all(), found


def test_waves_of_a_column_share_its_noise():
    """Standard error of the phase of each wave against draws of the jitter, without other noise."""
    rng, jitter = np.random.default_rng(4), np.array([0.06, 0.06])
    still = columns_of_atoms(np.zeros((GRID.shape[0], 2)))
    (region,) = waves_of(still)
    covariance = line_covariance(region, measure_columns(region), jitter**2)
    taper = np.sin(np.pi * (np.arange(GRID.shape[0]) + 0.5) / GRID.shape[0]) ** 2
    y, x = np.arange(GRID.shape[0]), np.arange(GRID.shape[1])
    waves = [(taper * np.exp(-2j * np.pi * h * y), np.exp(-2j * np.pi * g * x)) for g, h in BEAMS]
    before = np.array([along_y @ still @ along_x for along_y, along_x in waves])
    phases = []
    for _ in range(400):
        image = columns_of_atoms(white(rng, jitter))
        phases.append(np.angle([a @ image @ b for a, b in waves] / before))
    true = np.cov(np.transpose(phases)) * taper.sum() ** 2 / np.sum(taper**2)
    deviation = np.sqrt(np.diag(true))
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), deviation, rtol=0.2)
    np.testing.assert_allclose(
        covariance / np.outer(deviation, deviation), true / np.outer(deviation, deviation), atol=0.3
    )
    # Alone in its column a wave would have this; dark rows make it more.
    alone = 2 * np.pi * np.linalg.norm(BEAMS, axis=1) * jitter[0]
    assert (deviation[1:4] > 1.25 * alone[1:4]).all()


def test_noise_of_lines_is_that_of_the_image():
    rng = np.random.default_rng(5)
    image = rng.poisson(1000 * columns_of_atoms(white(rng, (0.08, 0.04)))).astype(float)
    upper, lower = measure_noise(waves_of(image, labels=HALVES))
    for noise in (upper, lower):
        assert np.linalg.eigvalsh(noise.lines).min() > -1e-12
    np.testing.assert_allclose(np.diag(upper.lines), np.diag(lower.lines), rtol=0.3)

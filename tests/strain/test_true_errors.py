"""Standard errors against Monte-Carlo where lines of a scan jitter and where alloys are random."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis
from hyperspy_twin.strain.noise.measure import _without_amplitudes

PERIOD, WIDTH = 8.0, 0.17  # pixels, and periods
RESOLUTION = 1.5 * PERIOD
GRID = Grid((256, 240), (1.0, 1.0))
HALVES = np.where(np.arange(GRID.shape[0]) < 128, 1, 2)[:, None] * np.ones((1, GRID.shape[1]), int)
BEAMS = np.array([[1, 0], [0, 1], [1, 1], [1, -1], [2, 0], [0, 2]]) / PERIOD
# Farther than this many resolutions from outlines leakage of other reflections is far below noise.
INTERIOR = 3.0


def column(distance):
    return np.exp(-0.5 * (distance / (WIDTH * PERIOD)) ** 2) / (np.sqrt(2 * np.pi) * WIDTH)


def image_of_columns(rng, dose, jitter=0.0, alloy=0.0):
    """Counted columns; heights differ by ``alloy``, lines are displaced by ``jitter`` pixels."""
    shift_y, shift_x = jitter * rng.normal(size=(2, GRID.shape[0]))
    y, x = np.arange(GRID.shape[0]) + 0.3 + 0.5 * shift_y, np.arange(GRID.shape[1]) + 0.4
    counts = [int(size / PERIOD) + 6 for size in GRID.shape]
    heights = 1.0 + alloy * rng.normal(size=counts)
    rows = column(y[:, None] - PERIOD * (np.arange(counts[0]) - 3)) @ heights
    seen = x[None] + shift_x[:, None]
    nearest = np.rint(seen / PERIOD).astype(int)
    image = sum(
        np.take_along_axis(rows, cell + 3, axis=1) * column(seen - PERIOD * cell)
        for cell in (nearest - 1, nearest, nearest + 1)
    )
    return rng.poisson(dose * np.maximum(image, 0.0)).astype(float)


def chi(labels, beams, seeds=6, **scene):
    """Root mean square of error over standard error of e_xx, e_yy, e_xy and the rotation."""
    rng, ratios = np.random.default_rng(11), []
    margin = int(INTERIOR * RESOLUTION)
    inner = (slice(None), slice(margin, 128 - margin), slice(margin, -margin))
    if labels is None:
        inner = (slice(None), slice(margin, -margin), slice(margin, -margin))
    for _ in range(seeds):
        field = geometric_phase_analysis(
            image_of_columns(rng, **scene),
            GRID,
            BEAMS[:beams],
            resolution=RESOLUTION,
            reference=np.ones(GRID.shape, bool),
            labels=labels,
        )
        values = [field.e_xx, field.e_yy, field.e_xy, field.rotation]
        sigmas = [field.sigma_xx, field.sigma_yy, field.sigma_xy, field.sigma_rotation]
        ratios.append((np.array(values) / np.array(sigmas))[inner])
    return np.sqrt(np.mean(np.square(ratios), axis=(0, 2, 3)))


@pytest.mark.parametrize("beams", [2, 6])
def test_jitter_is_known_in_narrow_regions(beams):
    """Eleven resolutions tall: lines of both regions tell what those of one cannot."""
    found = chi(HALVES, beams, dose=1000, jitter=0.08)
    assert ((found > 0.7) & (found < 1.3)).all(), found


@pytest.mark.parametrize("labels", [None, HALVES], ids=["whole", "regions"])
def test_random_columns_do_not_count_twice(labels):
    """Heights of columns reach the phases at the frequencies of the ring, hardly at strain's."""
    found = chi(labels, 4, dose=1000, alloy=0.2)
    assert ((found[:3] > 0.75) & (found[:3] < 1.25)).all(), found
    # The displacement that heights feign is a gradient, which does not rotate.
    assert found[3] < 0.5


def test_alloy_and_jitter_together():
    found = chi(HALVES, 4, dose=1000, alloy=0.2, jitter=0.08)
    assert ((found > 0.7) & (found < 1.3)).all(), found


def outlines(name):
    """Whole image, or regions with a straight, an oblique and a curved outline."""
    y, x = np.mgrid[: GRID.shape[0], : GRID.shape[1]]
    angle = np.arctan2(y - 128, x - 120)
    curved = np.hypot(y - 128, x - 120) < 70 + 18 * np.cos(3 * angle + 0.4)
    inside = {"straight": y < 128, "oblique": y - 0.37 * x < 90, "curved": curved}
    return np.where(inside[name], 1, 2) if name in inside else None


def distances(labels):
    """Distance of each pixel from the outline of its region, in pixels."""
    labels = np.ones(GRID.shape, int) if labels is None else labels
    parts = [np.pad(labels == label, 1) for label in np.unique(labels)]
    return sum(distance_transform_edt(one)[1:-1, 1:-1] for one in parts)


def strain_of(image, labels, beams, resolution):
    """Components and standard errors, shape (2, 4, rows, columns); all should be zero."""
    deep = distances(labels) > 2.5 * resolution
    field = geometric_phase_analysis(
        image,
        GRID,
        BEAMS[:beams],
        resolution=resolution,
        reference=deep if labels is None else deep & (labels == 2),
        labels=labels,
        displacement=False,
    )
    values = [field.e_xx, field.e_yy, field.e_xy, np.radians(field.rotation)]
    sigmas = [field.sigma_xx, field.sigma_yy, field.sigma_xy, np.radians(field.sigma_rotation)]
    return np.array([values, sigmas])


@pytest.mark.parametrize(
    ("spacings", "highest"), [(1.0, 4.5e-4), (1.5, 4e-5)], ids=["one spacing", "1.5 spacings"]
)
@pytest.mark.parametrize("name", ["whole", "straight", "oblique", "curved"])
def test_harmonics_do_not_leak_through_windows_cut_at_outlines(name, spacings, highest):
    """Root mean square within one resolution; a taper leaves 2 to 10 times as much."""
    labels, resolution = outlines(name), spacings * PERIOD
    y, x = (PERIOD * 0.5 - (np.arange(n) + 0.3) % PERIOD for n in GRID.shape)
    image = np.outer(*(sum(column(d + PERIOD * n) for n in (-1, 0, 1)) for d in (y, x)))
    found = strain_of(1000.0 * image, labels, 2, resolution)[0]
    near = distances(labels) < resolution
    leak = np.sqrt(np.nanmean(np.square(found[:, near]), axis=1))
    assert (leak < highest).all(), leak
    assert np.isfinite(found[:, near]).mean() > 0.97


@pytest.mark.parametrize("beams", [2, 4, 6])
@pytest.mark.parametrize("dose", [10, 1000])
@pytest.mark.parametrize("name", ["whole", "oblique", "curved"])
def test_errors_at_outlines_are_true(name, dose, beams):
    labels, rng = outlines(name), np.random.default_rng(5)
    near = distances(labels) < RESOLUTION
    ratios = []
    for _ in range(8):
        values, sigmas = strain_of(image_of_columns(rng, dose), labels, beams, RESOLUTION)
        ratios.append((values / sigmas)[:, near])
    found = np.sqrt(np.nanmean(np.square(ratios), axis=(0, 2)))
    assert ((found > 0.87) & (found < 1.13)).all(), found


def test_errors_are_true_at_outlines_and_inside_with_the_narrowest_windows():
    """Tails of reflections at a curved outline are no noise."""
    labels, rng = outlines("curved"), np.random.default_rng(5)
    near, deep = distances(labels) < PERIOD, distances(labels) > INTERIOR * PERIOD
    ratios = []
    for _ in range(8):
        values, sigmas = strain_of(image_of_columns(rng, 1000), labels, 2, PERIOD)
        ratios.append(values / sigmas)
    for part in (near, deep):
        found = np.sqrt(np.nanmean(np.square(ratios)[..., part], axis=(0, 2)))
        assert ((found > 0.87) & (found < 1.13)).all(), found


@pytest.mark.parametrize("beams", [2, 4, 6])
@pytest.mark.parametrize("dose", [10, 1000])
def test_counted_columns(beams, dose):
    found = chi(None, beams, dose=dose)
    assert ((found > 0.87) & (found < 1.13)).all(), found


def test_amplitudes_are_taken_out_of_phases():
    """Of spectra f(g + k) W(k) with an f that falls with k all is amplitude, noise is not."""
    rng = np.random.default_rng(2)
    frequency = rng.uniform(-1, 1, (2, 400))
    in_phase, noise = (np.array([[1.0], [0.1]])[:, :, None] * rng.normal(size=(2, 3, 400))).astype(
        float
    )
    in_phase = in_phase + 1j * rng.normal(size=(3, 400))
    true = np.array([[0.5, -0.2], [0.0, 1.0], [2.0, 0.0]])
    rest, slopes = _without_amplitudes(
        noise + 1j * (true @ frequency) * in_phase, in_phase, frequency
    )
    np.testing.assert_allclose(slopes, true, atol=0.03)
    np.testing.assert_allclose(rest, noise, atol=0.15)

"""Errors in other axes, of means over regions and of profiles, against images of counted noise."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from hyperspy_twin.core import GradientNoise, Grid
from hyperspy_twin.strain import geometric_phase_analysis
from hyperspy_twin.strain.mechanics.gradient_errors import (
    Analysis,
    Averaging,
    line_ratio,
    mean_of_slopes,
    mean_of_smoothed,
    noise_of_pixels,
    strain_covariances,
    turn_variances,
)
from hyperspy_twin.strain.mechanics.interfaces import find_interface
from hyperspy_twin.strain.mechanics.measured_strain import MeasuredStrain, turn_displacement
from hyperspy_twin.strain.mechanics.profiles import line_across, line_between
from hyperspy_twin.strain.plan import MARGIN
from hyperspy_twin.strain.reference import reference_mask

PERIOD = 8.0  # pixels
RESOLUTION = 1.5 * PERIOD
GRID = Grid((220, 200), (1.0, 1.0))
REFLECTIONS = np.array([[1, 0], [0, 1], [1, 1], [1, -1]], float)
# An oblique lattice, in which e_xx and e_xy of two beams have errors that belong together.
OBLIQUE = np.array([[1.0, 0.0], [0.45, 0.95]])
LABELS = np.where(np.arange(GRID.shape[0]) < 108, 1, 2)[:, None] * np.ones((1, GRID.shape[1]), int)


def columns(basis, width=0.17):
    """Mean intensity of a lattice of Gaussian columns."""
    y, x = np.mgrid[: GRID.shape[0], : GRID.shape[1]]
    image = np.zeros(GRID.shape)
    for h in range(-6, 7):
        for k in range(-6, 7):
            g = h * basis[0] + k * basis[1]
            damping = np.exp(-2 * (np.pi * width) ** 2 * (g @ g))
            image += damping * np.cos(2 * np.pi * (g[0] * x + g[1] * y) / PERIOD)
    return np.maximum(image, 0.0)


@cache
def simulate(beams, dose, oblique=False, count=24, area=None):
    """Perfect lattices, in which all that is measured is error."""
    rng = np.random.default_rng(3)
    basis = OBLIQUE if oblique else np.eye(2)
    # Broad columns leave the noise of the beams independent, that of e_xx and e_xy is not.
    image = columns(basis, 0.3 if oblique else 0.17)
    labels = np.ones_like(LABELS) if oblique else LABELS
    reference = reference_mask(labels, 1, MARGIN * RESOLUTION)
    drawn = None
    if area is not None:
        top, bottom, left, right = area
        reference = drawn = np.zeros(labels.shape, bool)
        drawn[top:bottom, left:right] = True
    found = []
    for _ in range(count):
        field = geometric_phase_analysis(
            rng.poisson(dose * image).astype(float),
            GRID,
            REFLECTIONS[:beams] @ basis / PERIOD,
            resolution=RESOLUTION,
            reference=reference,
            labels=labels,
        )
        noise = field.noise
        analysis = Analysis(labels, GRID, RESOLUTION, field.vectors, 1, noise, area=drawn)
        found.append(
            MeasuredStrain(
                np.array([field.e_xx, field.e_yy, field.e_xy, field.rotation]),
                np.array([field.sigma_xx, field.sigma_yy, field.sigma_xy]),
                labels,
                GRID,
                "lagrangian",
                analysis=analysis,
            )
        )
    return found


def rms(values, **options):
    return np.sqrt(np.nanmean(np.square(values), **options))


def test_errors_of_a_map_follow_from_the_noise_of_its_regions():
    """Of each component, up to the outline, where windows are cut."""
    (one, *_) = simulate(4, 100)
    model = strain_covariances(one.analysis, one.gradients)
    ratio = np.sqrt(model[:3]) / one.sigmas
    assert np.nanmedian(ratio) == pytest.approx(1, abs=0.01)
    assert np.nanpercentile(ratio, [2, 98]) == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(one.turned(0.0)[1], one.sigmas, rtol=0.05)


@pytest.mark.parametrize("angle", [0.0, 32.0, 90.0, 117.0])
def test_errors_are_honest_in_any_axes(angle):
    """Two beams that are not at right angles: without the covariance chi would be up to 1.5."""
    found = simulate(2, 100, oblique=True)
    values, sigmas = zip(*(one.turned(angle) for one in found), strict=True)
    inside = (slice(None), slice(None), slice(40, -40), slice(40, -40))
    errors, stated = np.array(values)[:, :3][inside], np.array(sigmas)[inside]
    chi = rms(errors, axis=(0, 2, 3)) / rms(stated, axis=(0, 2, 3))
    assert ((chi > 0.87) & (chi < 1.13)).all(), chi


def test_covariance_counts():
    """Along one of two directions that are equal for the standard errors, the error is larger."""
    (one, *_) = simulate(2, 100, oblique=True)
    along, across = (turn_variances(one.covariances, angle)[0] for angle in (32.0, -32.0))
    ratio = float(np.nanmedian(along / across))
    assert max(ratio, 1 / ratio) > 1.3


def test_a_small_drawn_reference_counts_with_its_own_error():
    """Of a lattice measured in 30 x 30 pixels, in which all regions share the error."""
    means = [one.means() for one in simulate(4, 100, area=(15, 45, 20, 50))]
    errors, stated = np.array([one.mean for one in means]), np.array([one.error for one in means])
    inner = [one.means() for one in simulate(4, 100, count=1)]
    assert (stated[0, :, 1] > 1.5 * inner[0].error[:, 1]).all()
    assert 0.8 < rms(errors / stated) < 1.2


@pytest.mark.parametrize(("beams", "dose"), [(2, 10), (4, 100)])
def test_errors_of_regional_means_are_honest(beams, dose):
    means = [one.means() for one in simulate(beams, dose)]
    errors, stated = np.array([one.mean for one in means]), np.array([one.error for one in means])
    chi = errors / stated
    # Four numbers in each of 24 images.
    assert 0.87 < rms(chi[:, :, 1]) < 1.13, rms(chi, axis=0)
    # The mean of the reference itself is zero but for its rim, where harmonics leak in.
    assert 0.8 < rms(chi[:, :, 0]) < 1.3, rms(chi, axis=0)
    deviation = np.array([one.deviation for one in means])
    # Windows average within the region, its border does not: far below sd, far above sd / sqrt(n).
    assert (stated < 0.5 * deviation).all()
    assert (stated > 3 * deviation / np.sqrt(means[0].pixels)).all()


@pytest.mark.parametrize(("beams", "dose"), [(2, 10), (4, 100)])
@pytest.mark.parametrize("kind", ["across", "along x", "oblique"])
def test_errors_of_profiles_are_honest(kind, beams, dose):
    line = {
        "across": line_across(find_interface(LABELS, GRID, 1, 2), LABELS > 0, GRID, None),
        "along x": line_between([(20, 160), (180, 160)], 50.0, RESOLUTION),
        "oblique": line_between([(40, 30), (160, 190)], 60.0, RESOLUTION),
    }[kind]
    profiles = [one.profile(line, LABELS > 0, one.components) for one in simulate(beams, dose)]
    errors = np.array([one.mean for one in profiles])
    stated = np.array([one.error for one in profiles])
    assert np.isfinite(errors).all() and errors.shape[2] > 150
    assert 0.87 < rms(errors / stated) < 1.13, rms(errors / stated, axis=(0, 2))
    # Less than the error of a pixel.
    assert np.median(stated[:, 0]) < 0.8 * np.nanmedian(simulate(beams, dose)[0].sigmas[0])


@pytest.mark.parametrize("axis", [0, 1])
def test_means_of_smoothed_noise(axis):
    """Numerically: double sums of the autocorrelation and of its second derivative."""
    width, resolution = 37.0, 9.0
    place = (np.arange(4000) + 0.5) / 4000 * width
    distance = place[:, None] - place[None]
    correlation = np.exp(-(distance**2) / (4 * resolution**2))
    if axis:
        correlation *= 1 - distance**2 / (2 * resolution**2)
    found = (mean_of_smoothed, mean_of_slopes)[axis](np.array([width, 1e-9]), resolution)
    assert found == pytest.approx([correlation.mean(), 1.0], rel=1e-4)


def test_lines_of_a_scan_do_not_average_along_x():
    """Noise that all pixels of a row share stays in a profile along y and averages along x."""
    rng = np.random.default_rng(1)
    noise = GradientNoise(np.array([1]), np.zeros((1, 2, 2)), np.array([[[0.02, 0], [0, 0.01]]]))
    labels = np.ones(GRID.shape, int)
    analysis = Analysis(labels, GRID, RESOLUTION, REFLECTIONS / PERIOD, 1, noise)
    count = 400
    rows = rng.normal(0, np.sqrt(np.array([[0.02], [0.01]])), (count, 2, 2000))
    k = np.fft.rfftfreq(2000)
    window = np.exp(-2 * (np.pi * RESOLUTION * k) ** 2) * 2j * np.pi * k
    slope = np.fft.irfft(np.fft.rfft(rows) * window, 2000)
    maps = np.zeros((4, *GRID.shape))
    single = np.full((3, *GRID.shape), 1.0)
    measured = MeasuredStrain(maps, single, labels, GRID, "lagrangian", analysis=analysis)
    for angle, length in ((90.0, 1), (0.0, 40)):
        averaging = Averaging(angle, np.full(GRID.shape, float(40)), RESOLUTION)
        ((_, _, (_, lines)),) = noise_of_pixels(analysis, measured.gradients, averaging)
        left, right = lines
        middle = right[1, 1].reshape(GRID.shape)[110, 100]
        kernel = np.ones(length) / length
        seen = np.apply_along_axis(np.convolve, 2, slope, kernel, "valid")
        for i in (0, 1):
            assert left[i, i][0] * middle == pytest.approx(seen[:, i].var(), rel=0.1)
    assert line_ratio(2.0) == pytest.approx((8 * np.pi * 16) / (4 * np.sqrt(np.pi) * 8))


@pytest.mark.parametrize("angle", [0.0, 27.0, -63.0, 90.0])
def test_interface_of_two_half_planes(angle):
    y, x = np.mgrid[:120, :140]
    direction = np.array([np.cos(np.radians(angle)), -np.sin(np.radians(angle))])
    normal = np.array([-direction[1], direction[0]])
    side = (x - 70.3) * normal[0] + (y - 60.2) * normal[1]
    labels = np.where(side > 0, 2, 1)
    grid = Grid(labels.shape, (0.1, 0.1), (5.0, -3.0))
    found = find_interface(labels, grid, 1, 2)
    assert found.angle % 180 == pytest.approx(angle % 180, abs=1.0)
    assert found.normal == pytest.approx(tuple(normal), abs=0.02)
    off = (np.array(found.centre) - (5.0 + 7.03, -3.0 + 6.02)) @ normal
    assert off == pytest.approx(0, abs=0.06)
    back = find_interface(labels, grid, 2, 1)
    assert back.normal == pytest.approx(tuple(-normal), abs=0.02)


def test_interfaces_that_are_none_are_refused():
    y, x = np.mgrid[:60, :60]
    labels = np.where(np.hypot(x - 30, y - 30) < 12, 2, 1)
    labels[:, :5] = 3
    labels[:4, 40:] = 4
    grid = Grid(labels.shape, (1.0, 1.0))
    with pytest.raises(ValueError, match="turns back on itself"):
        find_interface(labels, grid, 1, 2)
    with pytest.raises(ValueError, match="share no outline"):
        find_interface(labels, grid, 3, 4)
    with pytest.raises(ValueError, match="no region 9: the regions are"):
        find_interface(labels, grid, 1, 9)
    for ends, width in ([[(1, 1), (1, 1)], None], [[(0, 0), (1, np.nan)], None]):
        with pytest.raises(ValueError, match="two different points"):
            line_between(ends, width, 1.0)
    with pytest.raises(ValueError, match="positive length"):
        line_between([(0, 0), (1, 1)], -1.0, 1.0)


def test_profile_of_a_step_and_of_a_ramp():
    y, x = np.mgrid[: GRID.shape[0], : GRID.shape[1]]
    maps = np.array([np.where(y < 108, 0.0, 0.02), 1e-4 * y, 0 * x, 0 * x], float)
    measured = MeasuredStrain(maps, np.ones((3, *GRID.shape)), LABELS, GRID, "lagrangian")
    line = line_across(find_interface(LABELS, GRID, 1, 2), LABELS > 0, GRID, 50.0)
    profile = measured.profile(line, LABELS > 0, maps)
    assert profile.error is None
    assert line.angle == pytest.approx(-90) and line.origin[1] == pytest.approx(107.5)
    np.testing.assert_allclose(profile.mean[0][profile.distance < -1], 0, atol=1e-12)
    np.testing.assert_allclose(profile.mean[0][profile.distance > 1], 0.02)
    ramp = 1e-4 * (107.5 + profile.distance)
    np.testing.assert_allclose(profile.mean[1][2:-2], ramp[2:-2], atol=1e-6)
    far = line_between([(500, 500), (600, 600)], 4.0, RESOLUTION)
    with pytest.raises(ValueError, match="no pixel near this line"):
        measured.profile(far, LABELS > 0, maps)


def test_displacement_turns_with_the_axes():
    displacement = np.array([[[1.0]], [[0.0]]])
    # x' points to the top, so that what goes right goes along y'.
    np.testing.assert_allclose(turn_displacement(displacement, 90.0).ravel(), [0, 1], atol=1e-12)

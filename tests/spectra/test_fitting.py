import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra.fitting.peak_fit import climb_to_maxima, fit_peaks, weigh_by_rim
from hyperspy_twin.spectra.transform import windowed_region

FREQUENCIES = np.array(
    [[0.11, 0.03], [-0.02, 0.1], [0.09, 0.13], [0.17, -0.07], [0.23, 0.11], [0.27, -0.15]]
)


def disc(size, radius):
    y, x = np.mgrid[:size, :size] - size / 2
    return np.hypot(x, y) < radius


def oblique(size, half_width):
    y, x = np.mgrid[:size, :size]
    return np.abs(x - y) < half_width


REGIONS = {
    "even square": np.ones((128, 128), bool),
    "odd rectangle": np.ones((75, 171), bool),
    "disc": disc(128, 55),
    "oblique band": oblique(150, 32),
}


def fringes(shape, frequencies, amplitude=1.0):
    y, x = np.mgrid[: shape[0], : shape[1]]
    waves = [
        np.cos(2 * np.pi * (f[0] * x + f[1] * y) + phase) for phase, f in enumerate(frequencies)
    ]
    return amplitude * np.sum(waves, axis=0)


def window_sums(mask):
    window = windowed_region(np.ones(mask.shape), Grid(mask.shape, (1.0, 1.0)), mask).window
    return window.sum(dtype=float), (window.astype(float) ** 2).sum()


def cramer_rao(mask, amplitude, sigma):
    """Standard deviation (x, y) of the frequency of a fringe in white noise."""
    y, x = np.nonzero(mask)
    position = np.stack([x - x.mean(), y - y.mean()])
    information = amplitude**2 * (2 * np.pi) ** 2 / (2 * sigma**2) * position @ position.T
    return np.sqrt(np.diag(np.linalg.inv(information)))


def fitted(image, mask, frequencies, noise_power):
    region = windowed_region(image, Grid(mask.shape, (1.0, 1.0)), mask)
    maxima = climb_to_maxima(region, climb_to_maxima(region, frequencies).frequency)
    return fit_peaks(region, maxima, np.full(len(frequencies), noise_power))


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(60, 140),
    columns=st.integers(60, 140),
    angle=st.floats(-1.5, 1.5),
    period=st.floats(3.0, 8.0),
    phase=st.floats(0, 6.28),
)
def test_fringe_without_noise_is_measured_exactly(rows, columns, angle, period, phase):
    mask = np.ones((rows, columns), bool)
    frequency = np.array([[np.cos(angle), np.sin(angle)]]) / period
    y, x = np.mgrid[:rows, :columns]
    image = 7 + 2.5 * np.cos(2 * np.pi * (frequency[0, 0] * x + frequency[0, 1] * y) + phase)
    found = fitted(image, mask, frequency, 1e-3)
    np.testing.assert_allclose(found.frequency * (columns, rows), frequency * (columns, rows),
                               atol=3e-3)  # fmt: skip
    np.testing.assert_allclose(2 * np.abs(found.amplitude), 2.5, rtol=5e-3)


@pytest.mark.parametrize("name", REGIONS)
def test_position_reaches_the_cramer_rao_bound_and_states_its_error(name):
    mask = REGIONS[name]
    total, squared = window_sums(mask)
    sigma = np.sqrt(total**2 / (4 * 60 * squared))  # SNR 60
    clean = fringes(mask.shape, FREQUENCIES)
    bound = cramer_rao(mask, 1, sigma)
    rng = np.random.default_rng(1)
    deviation, error = [], []
    for _ in range(40):
        image = clean + rng.normal(scale=sigma, size=mask.shape)
        found = fitted(image, mask, FREQUENCIES, sigma**2 * squared)
        deviation.append(found.frequency - FREQUENCIES)
        error.append(found.error)
    deviation, error = np.array(deviation), np.array(error)
    assert np.sqrt(np.mean((deviation / bound) ** 2)) < 1.2
    assert np.sqrt(np.mean((deviation / error) ** 2)) == pytest.approx(1, abs=0.12)
    assert np.median(error / bound) < 1.2


def test_smooth_background_does_not_move_the_spots():
    mask = np.ones((140, 160), bool)
    y, x = np.mgrid[:140, :160]
    image = fringes(mask.shape, FREQUENCIES)
    background = 50 * np.exp(-(((x - 30) / 120) ** 2) - ((y - 100) / 90) ** 2)
    flat = fitted(image, mask, FREQUENCIES, 1.0)
    uneven = fitted(image + background, mask, FREQUENCIES, 1.0)
    shift = (uneven.frequency - flat.frequency) * (160, 140)
    assert np.abs(shift).max() < 5e-3


def test_width_of_a_perfect_lattice_is_zero_within_its_error():
    mask = np.ones((100, 110), bool)
    _, squared = window_sums(mask)
    rng = np.random.default_rng(3)
    clean = fringes(mask.shape, FREQUENCIES)
    ratio = []
    for _ in range(40):
        found = fitted(clean + rng.normal(scale=1.5, size=mask.shape), mask, FREQUENCIES,
                       1.5**2 * squared)  # fmt: skip
        variance_error = (found.width + found.width_error) ** 2 - found.width**2
        ratio.append(found.width**2 / variance_error)
    ratio = np.array(ratio)
    # Half of the excess variances are negative; the others scatter like half a Gaussian.
    assert np.mean(ratio == 0) == pytest.approx(0.5, abs=0.15)
    assert np.sqrt(np.mean(ratio[ratio > 0] ** 2)) == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("size", [30.0, 45.0, 60.0])
def test_width_of_a_small_crystal_is_that_of_its_shape(size):
    shape = (300, 300)
    y, x = np.mgrid[:300, :300]
    crystal = np.exp(-((x - 150) ** 2 + (y - 150) ** 2) / (2 * size**2))
    image = crystal * fringes(shape, FREQUENCIES[:1])
    found = fitted(image, np.ones(shape, bool), FREQUENCIES[:1], 0.5)
    # The power of the transform of a Gaussian of width s has the width 1 / (sqrt(8) pi s).
    assert found.width[0] == pytest.approx(1 / (np.sqrt(8) * np.pi * size), rel=0.12)
    assert found.width_error[0] < 0.2 * found.width[0]


@pytest.mark.parametrize(("strain", "periods"), [(0.01, 1.0), (0.01, 0.5), (0.02, 1.0)])
def test_strained_lattice_does_not_diverge_and_admits_its_error(strain, periods):
    size = 200
    mask = np.ones((size, size), bool)
    y, x = np.mgrid[:size, :size].astype(float)
    q = 2 * np.pi * periods / size
    rng = np.random.default_rng(4)
    frequency = np.array([[0.13, 0.02]])
    _, squared = window_sums(mask)
    deviations = []
    for _ in range(25):
        displacement = strain / q * np.sin(q * x + rng.uniform(0, 2 * np.pi))
        mean = frequency[0, 0] * np.array([1 - np.gradient(displacement, axis=1).mean(), 0])
        mean[1] = frequency[0, 1]
        phase = frequency[0, 0] * (x - displacement) + frequency[0, 1] * y
        image = np.cos(2 * np.pi * phase) + rng.normal(scale=1, size=mask.shape)
        found = fitted(image, mask, frequency, squared)
        assert np.abs(found.frequency[0] - mean).max() * size < 0.7
        deviations.append((found.frequency[0] - mean) / found.error[0])
    assert np.sqrt(np.mean(np.square(deviations))) < 2


def test_rim_weight_is_whole_inside_and_nothing_outside():
    mask = disc(200, 80)
    region = windowed_region(np.ones(mask.shape), Grid(mask.shape, (1.0, 1.0)), mask)
    weight = weigh_by_rim(region.window)
    y, x = (
        np.mgrid[: weight.shape[0], : weight.shape[1]] - np.array(weight.shape)[:, None, None] / 2
    )
    radius = np.hypot(x, y)
    assert (weight[radius < 68] > 0.97).all()
    assert (weight[region.window == 0] == 0).all()
    assert weight.sum() > 0.8 * mask.sum()


def test_width_of_a_window_with_lobes_is_positive():
    from hyperspy_twin.spectra.fitting.peak_width import _window_covariance

    offset = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 2), axis=-1).reshape(-1, 2).astype(float)
    x, y = offset.T
    lobes = np.exp(-((np.abs(x) - 3) ** 2) / 0.5 - y**2 / 8) + 0.5 * np.exp(-(x**2 + y**2) / 8)
    covariance = _window_covariance(lobes, offset)
    assert np.isfinite(covariance).all()
    assert np.linalg.eigvalsh(covariance)[0] > 0

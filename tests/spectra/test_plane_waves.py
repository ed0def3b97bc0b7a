import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.spectra.fitting.plane_waves import (
    PlaneWaves,
    centred,
    moments,
    offset_spectrum,
    sum_waves,
)
from hyperspy_twin.spectra.fitting.wave_fit import fit_waves, fit_weight, gram_matrix


def pixel_positions(shape):
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    return x - (shape[1] - 1) / 2, y - (shape[0] - 1) / 2


def fringe(shape, frequency, amplitude):
    x, y = pixel_positions(shape)
    return 2 * (amplitude * np.exp(2j * np.pi * (frequency[0] * x + frequency[1] * y))).real


@settings(max_examples=20, deadline=None)
@given(
    rows=st.integers(8, 40),
    columns=st.integers(8, 40),
    f_x=st.floats(-0.5, 0.5),
    f_y=st.floats(-0.5, 0.5),
)
def test_moments_are_the_direct_sums(rows, columns, f_x, f_y):
    image = np.random.default_rng(rows).normal(size=(rows, columns)).astype(np.float32)
    found = moments(image, np.array([[f_x, f_y]]), 2)
    x, y = pixel_positions(image.shape)
    wave = np.exp(-2j * np.pi * (f_x * x + f_y * y))
    for a, b in [(0, 0), (1, 0), (0, 2), (2, 1)]:
        direct = (image * (2 * x / columns) ** a * (2 * y / rows) ** b * wave).sum()
        assert abs(found[a, b, 0] - direct) < 1e-3


def test_sum_and_offset_spectrum_agree_with_their_definition():
    shape = (37, 52)
    waves = PlaneWaves(np.array([[0.11, -0.3], [0.07, 0.21]]), np.array([1 + 2j, 0.3 - 1j]))
    image = sum(fringe(shape, f, a) for f, a in zip(waves.frequency, waves.amplitude, strict=True))
    np.testing.assert_allclose(sum_waves(shape, waves), image, atol=1e-4)
    steps = np.array([0.01, 0.02])
    patch = offset_spectrum(image.astype(np.float32), waves.frequency, steps, np.array([-1, 0, 2]))
    x, y = pixel_positions(shape)
    place = waves.frequency[1] + np.array([2, -1]) * steps
    direct = (image * np.exp(-2j * np.pi * (place[0] * x + place[1] * y))).sum()
    assert abs(patch[1, 0, 2] - direct) < 0.05


@pytest.mark.parametrize("mirrored", [False, True])
def test_normal_matrix_holds_the_products_of_the_derivatives(mirrored):
    shape = (40, 44)
    first = np.array([0.2 / 44, 12 / 40]) if mirrored else np.array([0.2, 0.11])
    second = np.array([0.7, -13.0]) / (44, 40) if mirrored else first + np.array([1.3, -0.4]) / 44
    waves = PlaneWaves(np.stack([first, second]), np.array([1 + 0.5j, -0.3 + 0.8j]))
    weight = np.random.default_rng(0).uniform(0.2, 1, shape).astype(np.float32)
    x, y = centred(shape[1])[None, :], centred(shape[0])[:, None]
    derivatives = [
        fringe(shape, f, a * factor) * power
        for f, a in zip(waves.frequency, waves.amplitude, strict=True)
        for factor, power in ((1, 1 + 0 * x), (1j, 1 + 0 * x), (1j, x), (1j, y))
    ]
    direct = [[(weight * p * q).sum() for q in derivatives] for p in derivatives]
    found = gram_matrix(fit_weight(weight), waves)
    # A wave's product with its own mirror image, far away, is left out.
    np.testing.assert_allclose(found, direct, atol=0.05 * np.abs(direct).max())
    assert np.abs(found[:4, 4:]).max() > 0.05 * np.abs(found).max()


@pytest.mark.parametrize("distance", [1.2, 2.0, 3.3])
def test_waves_closer_than_the_window_resolves_are_recovered(distance):
    shape = (120, 150)
    frequency = np.array([[0.2, 0.1], [0.2 + distance / 150, 0.1]])
    truth = PlaneWaves(frequency, np.array([1.0, 0.4j]))
    image = sum_waves(shape, truth)
    weight = fit_weight(np.ones(shape, np.float32))
    shift = np.array([[0.2 / 150, 0.1 / 120], [-0.2 / 150, 0.1 / 120]])
    fitted = fit_waves(image, weight, PlaneWaves(frequency + shift, np.array([0.9, 0.5j])), 12)
    np.testing.assert_allclose(fitted.frequency * 150, frequency * 150, atol=0.01)
    np.testing.assert_allclose(fitted.amplitude, truth.amplitude, atol=0.02)


def test_wave_without_signal_keeps_its_start():
    shape = (64, 64)
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    start = PlaneWaves(np.array([[0.2, 0.1]]), np.array([1e-3 + 0j]))
    fitted = fit_waves(image, fit_weight(np.ones(shape, np.float32)), start, 30)
    assert np.abs((fitted.frequency - start.frequency) * 64).max() < 1.6
    assert np.isfinite(fitted.amplitude).all()

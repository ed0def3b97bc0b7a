"""Edges on a power law with counts of known amounts: bias, errors and chi-square of the fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.composition.quantification import (
    fit_edges,
    fractions_of_amounts,
    low_loss_of,
    window_intensity,
)

ENERGIES = np.arange(400.0, 1200.0, 2.0)
PIXELS = 300


def edge(onset, exponent=3.5):
    """Edge of a saw tooth that falls by a power."""
    return np.where(ENERGIES >= onset, (ENERGIES / onset) ** -exponent, 0.0)


EDGES = np.array([edge(520.0), 0.4 * edge(840.0)])


def background(exponent):
    return 6.0 * (ENERGIES / 520.0) ** -exponent


@settings(max_examples=6, derandomize=True, deadline=None)
@given(
    st.floats(2.0, 5.0), st.floats(0.05, 0.95), st.sampled_from([20.0, 200.0]), st.integers(0, 99)
)
def test_amounts_have_no_bias_and_right_errors(exponent, fraction, dose, seed):
    truth = np.array([1 - fraction, fraction])
    mean = dose * (background(exponent) + truth @ EDGES)
    counts = np.random.default_rng(seed).poisson(mean, (PIXELS, ENERGIES.size))
    fit = fit_edges(counts, ENERGIES, EDGES)
    assert fit.converged.all()
    deviation = fit.amounts - dose * truth
    errors = np.sqrt(np.einsum("pii->pi", fit.covariance))
    # Five standard errors of the means of 300 spectra, and of their chi-squares.
    assert (np.abs(deviation.mean(axis=0)) < 5 * errors.mean(axis=0) / np.sqrt(PIXELS)).all()
    np.testing.assert_allclose((deviation / errors).var(axis=0), 1.0, atol=5 * (2 / PIXELS) ** 0.5)
    assert fit.chi_square.mean() / fit.freedom == pytest.approx(1, abs=0.02)


def test_without_noise_the_truth_comes_back():
    truth = np.array([[0.3, 0.7], [1.0, 0.0], [0.0, 2.0]])
    mean = 1e4 * (background(3.1) + truth @ EDGES)
    fit = fit_edges(mean, ENERGIES, EDGES)
    np.testing.assert_allclose(fit.amounts, 1e4 * truth, atol=1e4 * 1e-5)


def test_weights_of_the_measured_counts_would_be_wrong():
    """What the fit avoids: 1/N of the counts N takes percents off the background."""
    mean = 5.0 * (background(3.0) + np.array([0.8, 0.2]) @ EDGES)
    counts = np.random.default_rng(1).poisson(mean, (PIXELS, ENERGIES.size)).astype(float)
    design = np.stack([background(3.0), *EDGES])
    weight = 1 / np.maximum(counts, 1.0)
    normal = np.einsum("pe,ie,je->pij", weight, design, design)
    naive = np.linalg.solve(normal, np.einsum("pe,ie,pe->pi", weight, design, counts)[..., None])
    assert naive[:, 0, 0].mean() < 0.98 * 5.0
    amounts = fit_edges(counts, ENERGIES, EDGES).amounts
    expected = 5.0 * np.array([0.8, 0.2])
    error = amounts.std(axis=0) / np.sqrt(PIXELS)
    assert (np.abs(amounts.mean(axis=0) - expected) < 5 * error).all()


def test_unequal_edges_of_each_pixel():
    truth = np.array([[0.3, 0.7], [0.6, 0.4]])
    own = np.stack([EDGES, EDGES * 0.5])
    mean = 1e4 * (background(3.0) + np.einsum("pk,pke->pe", truth, own))
    np.testing.assert_allclose(fit_edges(mean, ENERGIES, own).amounts, 1e4 * truth, rtol=1e-4)


def test_impossible_fits_are_refused():
    with pytest.raises(ValueError, match="3 channels cannot tell 4 parameters"):
        fit_edges(np.ones((2, 3)), ENERGIES[:3], EDGES[:, :3])
    with pytest.raises(ValueError, match="no intensity"):
        fit_edges(np.ones((2, 50)), ENERGIES[:50], EDGES[:, :50])


# ---- plural scattering ----


def poisson_of_plasmons(mean):
    """Low loss with plasmons of 20 eV, in channels of 2 eV from -10 eV on, without width."""
    found = np.zeros(70)
    for count in range(6):
        found[5 + 10 * count] = np.exp(-mean) * mean**count / np.prod(np.arange(1, count + 1))
    return found


def test_low_loss_gives_thickness_and_convolves_edges():
    low_loss = low_loss_of(1e6 * poisson_of_plasmons(0.5)[None])
    assert low_loss.gains == 5 and low_loss.losses == 64
    assert low_loss.thickness[0] == pytest.approx(0.5, abs=1e-4)
    wide = np.zeros((1, 64 + 100 + 5))
    wide[0, 64 + 20] = 1.0
    seen = low_loss.convolve(wide)[0, 0]
    assert seen.shape == (100,)
    np.testing.assert_allclose(seen[[20, 30, 40]], [1.0, 0.5, 0.125], rtol=1e-9)
    np.testing.assert_allclose(seen[:20], 0.0, atol=1e-12)


def test_low_loss_without_zero_loss_peak_is_refused():
    with pytest.raises(ValueError, match="no zero-loss peak"):
        low_loss_of(np.linspace(2, 1, 50)[None])


# ---- intensities alone ----


def test_window_intensity_is_that_of_the_edge():
    mean = 50.0 * (background(3.0) + EDGES[1] * 2)
    counts = np.random.default_rng(2).poisson(mean, (2000, ENERGIES.size))
    value, variance = window_intensity(counts, ENERGIES, (700.0, 835.0), (840.0, 900.0))
    inside = (ENERGIES >= 840) & (ENERGIES <= 900)
    truth = 50.0 * 2 * EDGES[1][inside].sum()
    assert value.mean() == pytest.approx(truth, abs=5 * value.std() / np.sqrt(2000))
    assert value.var() / variance.mean() == pytest.approx(1, abs=5 * np.sqrt(2 / 2000))


def test_windows_outside_of_the_spectra_are_refused():
    with pytest.raises(ValueError, match="the window from 1190 to 1300 eV holds 5|holds 2"):
        window_intensity(np.ones((1, 400)), ENERGIES, (700.0, 800.0), (1195.0, 1300.0))


def test_fractions_are_withheld_by_what_is_expected():
    """Bright accidents of weak pixels are not kept."""
    generator = np.random.default_rng(4)
    amounts = generator.normal([[0.3], [0.7]], 0.4, (2, 5000))
    covariance = 0.16 * np.repeat(np.eye(2)[..., None], 5000, axis=2)
    kept = fractions_of_amounts(amounts, covariance, np.ones(5000))
    assert not np.isfinite(kept.values).any()

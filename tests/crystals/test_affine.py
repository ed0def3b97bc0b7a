from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.crystals.evidence import affine

small = st.complex_numbers(max_magnitude=0.1, allow_nan=False)
turn = st.floats(-np.pi, np.pi)
BASIS = np.array([2.0 + 0j, -0.7 + 2.4j])
INDEX = np.array([[1, 0], [0, 1], [1, 1], [2, -1], [0, 3]])


def both(name):
    function = getattr(affine, name)
    return [function, function.py_func]


@settings(deadline=None, max_examples=40)
@given(turn, small)
def test_forward_backward_and_pairs(angle, ratio):
    alpha = 1.1 * np.exp(1j * angle)
    beta = alpha * ratio
    g1, g2 = BASIS
    for forward, backward, pairs in zip(
        both("forward"), both("backward"), both("from_pairs"), strict=True
    ):
        q1, q2 = forward(g1, alpha, beta), forward(g2, alpha, beta)
        assert backward(q1, alpha, beta) == pytest.approx(g1)
        assert pairs(g1, g2, q1, q2) == pytest.approx((alpha, beta))


@settings(deadline=None, max_examples=40)
@given(turn, small)
def test_fit_is_exact_without_noise_and_prior(angle, ratio):
    alpha = 0.9 * np.exp(1j * angle)
    g = INDEX @ BASIS
    q = alpha * g + alpha * ratio * g.conjugate()
    weight = np.full(len(g), 1e6)
    for fit in both("fit_affine"):
        assert fit(g, q, weight, alpha, 1e3) == pytest.approx((alpha, alpha * ratio), abs=1e-6)


def test_prior_pulls_distortion_to_zero():
    g = (INDEX @ BASIS).astype(complex)
    q = g + 0.05 * g.conjugate()
    _, beta = affine.fit_affine(g, q, np.full(len(g), 1e-3), 1.0 + 0j, 0.001)
    assert abs(beta) < 1e-4


@pytest.mark.parametrize("row", INDEX.tolist())
def test_nearest_index(row):
    for nearest in both("nearest_index"):
        assert nearest(np.array(row) @ BASIS + 0.2 - 0.1j, BASIS) == tuple(row)

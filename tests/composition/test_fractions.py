"""Fractions of amounts: the variance against that of many draws."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.composition.quantification import fractions_of_amounts


def test_two_elements_by_hand():
    found = fractions_of_amounts(np.array([30.0, 70.0]), np.diag([30.0, 70.0]))
    np.testing.assert_allclose(found.values, [0.3, 0.7])
    # Binomial: x (1 - x) / N.
    np.testing.assert_allclose(found.variance, 0.3 * 0.7 / 100)


@settings(max_examples=10, derandomize=True, deadline=None)
@given(st.integers(2, 4), st.integers(0, 1000))
def test_variance_is_that_of_draws(elements, seed):
    generator = np.random.default_rng(seed)
    mean = generator.uniform(50, 200, elements)
    mixing = generator.normal(0, 1.5, (elements, elements))
    covariance = mixing @ mixing.T + np.eye(elements)
    drawn = generator.multivariate_normal(mean, covariance, 20000).T
    claimed = fractions_of_amounts(mean, covariance).variance
    measured = fractions_of_amounts(drawn, np.repeat(covariance[..., None], 20000, 2)).values
    # Twenty thousand draws give a variance within 5 % at five of its standard errors.
    np.testing.assert_allclose(measured.var(axis=1), claimed, rtol=0.06)


def test_pixels_without_significant_sum_are_withheld():
    amounts = np.array([[10.0, 0.0, 1.0, -10.0], [20.0, 0.0, 1.0, 4.0]])
    covariance = np.zeros((2, 2, 4))
    covariance[0, 0] = covariance[1, 1] = [1, 0, 4, 1]
    found = fractions_of_amounts(amounts, covariance)
    np.testing.assert_array_equal(np.isfinite(found.values[0]), [True, False, False, False])
    np.testing.assert_array_equal(np.isfinite(found.variance[0]), [True, False, False, False])
    assert sum(found.withheld.values()) == 3 and len(found.withheld) == 2

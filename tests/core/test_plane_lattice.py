from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import (
    PlaneLattice,
    finer_lattices,
    finer_pair,
    fit_basis,
    reduce_basis,
    reduce_pair,
    reduce_plane,
)

integers = st.integers(-3, 3)


def test_basis_is_reduced_and_its_change_is_integer():
    basis = np.array([[1.0, 0.1], [7.3, 1.9]])
    for reduce in (reduce_basis, reduce_basis.py_func):
        reduced, change = reduce(basis)
        np.testing.assert_allclose(change @ basis, reduced)
        assert abs(round(np.linalg.det(change))) == 1
        assert abs(reduced[0] @ reduced[1]) <= 0.5 * (reduced[0] @ reduced[0]) + 1e-12


def _mixed(a, b, c, sign):
    """Change of basis: three shears, which hold the exchange of both vectors, and a mirror."""
    return 1 + b * c, b, sign * (a * (1 + b * c) + c), sign * (1 + a * b)


PLANE = st.builds(_mixed, integers, integers, integers, st.sampled_from([1, -1]))


@settings(deadline=None)  # the first call compiles
@given(ratio=st.floats(0.3, 3), angle=st.floats(0.3, 2.8), turn=st.floats(-3, 3), mixed=PLANE)
def test_reduction_is_one_for_all_bases_of_a_lattice(ratio, angle, turn, mixed):
    first = np.exp(1j * turn)
    second = ratio * first * np.exp(1j * angle)
    a, b, _ = reduce_pair(first, second)
    c, d, _ = reduce_pair(
        mixed[0] * first + mixed[1] * second, mixed[2] * first + mixed[3] * second
    )
    assert (np.conj(a) * b).imag == pytest.approx(ratio * np.sin(angle))
    assert abs(a) == pytest.approx(abs(c)) and abs(b) == pytest.approx(abs(d))
    assert abs(a) <= abs(b) * (1 + 1e-9)
    assert abs((np.conj(a) * b).real) <= 0.5 * abs(a) ** 2 * (1 + 1e-6)


def test_hexagonal_lattices_end_the_reduction():
    """Their two shortest vectors are ties, which rounding may toggle for ever."""
    for turn in np.linspace(0, 3, 200):
        a, b, _ = reduce_pair(np.exp(1j * turn), np.exp(1j * (turn + 2 * np.pi / 3)))
        assert abs(a) == pytest.approx(abs(b))


def test_plane_in_space_is_reduced_in_its_metric():
    metric = np.array([[1.0, 0, 0], [0.2, 3.0, 0], [0, 0.4, 0.7]])
    plane = reduce_plane(np.array([[1, 0, 1], [7, 0, 8]]), metric)
    first, second = plane @ metric
    assert (np.cross(*plane) == np.cross([1, 0, 1], [7, 0, 8])).all()
    assert first @ first <= second @ second
    assert abs(first @ second) <= 0.5 * (first @ first)


def test_finer_lattices_are_all_and_hold_the_lattice():
    index, numerator = finer_lattices(2, 6)
    change = numerator / index[:, None, None]
    assert len(index) == 3 + 4 + 7 + 6 + 12  # sums of divisors
    for multiple, one in zip(index, change, strict=True):
        coarse = np.linalg.inv(one)
        np.testing.assert_allclose(coarse, np.rint(coarse), atol=1e-12)
        assert np.linalg.det(coarse) == pytest.approx(multiple)
    for lattices in (change, np.linalg.inv(change.transpose(0, 2, 1))):
        same = [
            np.allclose(relation := one @ np.linalg.inv(other), np.rint(relation))
            for n, one in enumerate(lattices)
            for other in lattices[:n]
            if abs(np.linalg.det(one) / np.linalg.det(other) - 1) < 1e-9
        ]
        assert not any(same)
    for multiple, one in zip(*finer_lattices(1, 4), strict=True):
        a, b = finer_pair(2 + 1j, 0.3 + 3j, multiple, one)
        assert (np.conj(a) * b).imag == pytest.approx(5.7 / multiple)


def test_basis_is_fitted_with_its_covariance():
    rng = np.random.default_rng(1)
    index = rng.integers(-4, 5, (30, 2))
    weight = rng.uniform(50, 150, 30)
    true = np.array([2.0, 0.3])
    fits = []
    for _ in range(400):
        position = index @ true + rng.normal(scale=weight**-0.5)
        basis, covariance, _ = fit_basis(index, position, weight)
        fits.append(basis)
    np.testing.assert_allclose(np.cov(np.transpose(fits)), covariance, rtol=0.3, atol=2e-5)
    np.testing.assert_allclose(np.mean(fits, axis=0), true, atol=5e-3)
    assert fit_basis(index[:, :1] * (1, 2), position, weight)[2] == 0


def test_nearest_points_of_a_lattice():
    lattice = PlaneLattice(np.array([[2.0, 0.1], [0.3, 3.0]]))
    index = np.array([[1, -2], [0, 4]])
    assert (lattice.nearest_index(index @ lattice.basis + 0.4) == index).all()
    assert lattice.area == pytest.approx(5.97)

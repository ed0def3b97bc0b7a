from __future__ import annotations

from math import gcd

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hyperspy_twin.core import complete_basis, integer_row_basis

integers = st.integers(-9, 9)
triples = st.tuples(integers, integers, integers)


@given(st.lists(triples, min_size=3, max_size=7))
def test_basis_generates_the_same_lattice(vectors):
    basis = integer_row_basis(vectors)
    assume(len(basis) == 3)
    coordinates = np.array(vectors) @ np.linalg.inv(basis)
    np.testing.assert_allclose(coordinates, np.rint(coordinates), atol=1e-6)
    minors = [
        round(np.linalg.det(np.array([a, b, c])))
        for i, a in enumerate(vectors)
        for j, b in enumerate(vectors[:i])
        for c in vectors[:j]
    ]
    # The volume of a generated lattice is the common divisor of all its generators' volumes.
    assert round(abs(np.linalg.det(basis))) == gcd(*minors)


def test_rank_deficient_generators():
    assert integer_row_basis([(2, 4, 0), (3, 6, 0)]).tolist() == [[1, 2, 0]]
    assert integer_row_basis([(0, 0, 0)]).shape == (0, 3)


@given(triples)
def test_completion_is_unimodular(vector):
    divisor = gcd(*vector)
    if divisor != 1:
        with pytest.raises(ValueError, match="common divisor"):
            complete_basis(vector)
        return
    matrix = complete_basis(vector)
    assert matrix[2].tolist() == list(vector)
    assert abs(round(np.linalg.det(matrix))) == 1

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from hyperspy_twin.atoms.joins.overlaps import remove_overlaps


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.2, 2.5), st.booleans())
def test_no_pair_of_groups_stays_too_close(seed, minimum, periodic):
    generator = np.random.default_rng(seed)
    positions = generator.uniform(0, 8, (150, 3)) * [3, 1, 1]
    group = generator.integers(0, 3, 150)
    keep = remove_overlaps(positions, group, minimum, 8.0 if periodic else None)
    away = positions[:, None] - positions
    if periodic:
        away[..., 2] -= 8 * np.rint(away[..., 2] / 8)
    close = (np.linalg.norm(away, axis=-1) < minimum) & (group[:, None] != group)
    assert not np.any(close & keep & keep[:, None])
    # Nothing goes without a reason: a removed atom is close to one that is kept.
    assert np.all((close & keep).any(axis=1) >= ~keep)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.4, 1.2))
def test_few_more_atoms_go_than_have_to(seed, minimum):
    """Between two groups the smallest number is that of the largest matching (König's theorem)."""
    generator = np.random.default_rng(seed)
    positions, group = generator.uniform(0, 8, (300, 3)), generator.integers(0, 2, 300)
    away = np.linalg.norm(positions[group == 0][:, None] - positions[group == 1], axis=-1)
    matched = maximum_bipartite_matching(csr_array(away < minimum), perm_type="column")
    smallest = np.sum(matched >= 0)
    gone = np.sum(~remove_overlaps(positions, group, minimum))
    assert smallest <= gone <= 1.1 * smallest + 1


def test_of_two_atoms_the_less_certain_goes():
    positions = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    for error, kept in (((0.1, 0.2), 0), ((0.2, 0.1), 1), ((np.nan, np.nan), 0)):
        keep = remove_overlaps(positions, np.array([0, 1]), 2.0, error=np.array(error))
        assert np.flatnonzero(keep).tolist() == [kept]


def test_an_atom_between_two_goes_alone():
    positions = np.array([[0.0, 0.0, 0.0], [1.5, 0.0, 0.0], [-1.5, 0.0, 0.0], [5.0, 0.0, 0.0]])
    keep = remove_overlaps(positions, np.array([0, 1, 1, 1]), 2.0)
    np.testing.assert_array_equal(keep, [False, True, True, True])


def test_one_group_is_left_alone():
    assert remove_overlaps(np.zeros((5, 3)), np.zeros(5, int), 2.0).all()
    assert remove_overlaps(np.zeros((0, 3)), np.zeros(0, int), 2.0).shape == (0,)
    assert remove_overlaps(np.zeros((2, 3)), np.array([0, 1]), 0.0).all()


def test_wrong_input():
    with pytest.raises(ValueError, match="minimum_distance"):
        remove_overlaps(np.zeros((2, 3)), np.array([0, 1]), np.nan)
    with pytest.raises(ValueError, match="group"):
        remove_overlaps(np.zeros((2, 3)), np.array([0]), 1.0)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.atoms.overlaps import remove_overlaps


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
    assert keep[group == 0].all()
    # Nothing goes without a reason: a removed atom is close to a kept one of a lower group.
    reason = close & keep & (group < group[:, None])
    assert np.all(reason.any(axis=1) == ~keep)


def test_one_group_is_left_alone():
    assert remove_overlaps(np.zeros((5, 3)), np.zeros(5, int), 2.0).all()
    assert remove_overlaps(np.zeros((0, 3)), np.zeros(0, int), 2.0).shape == (0,)
    assert remove_overlaps(np.zeros((2, 3)), np.array([0, 1]), 0.0).all()


def test_wrong_input():
    with pytest.raises(ValueError, match="minimum_distance"):
        remove_overlaps(np.zeros((2, 3)), np.array([0, 1]), np.nan)
    with pytest.raises(ValueError, match="group"):
        remove_overlaps(np.zeros((2, 3)), np.array([0]), 1.0)

"""A tie is one answer with several names in a fixed order, and a stated error binds."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.crystals import IndexingSettings, as_crystal, index_regions
from hyperspy_twin.crystals.indexing.matches import order_ties
from hyperspy_twin.crystals.indexing.peak_indexing import index_peaks


def scaled(make_pattern, factor, size=1.0, name="Ge"):
    """Peaks along [110] of a crystal, in an image whose pixel size is wrong by a factor."""
    peaks = make_pattern(name, (1, 1, 0), noise=0.01).peaks
    position, error = (np.asarray(one) * factor * size for one in (peaks.position, peaks.error))
    return replace(peaks, position=position, error=error)


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("factor", [1.0, 0.985, 1.02])
def test_a_tie_does_not_depend_on_the_order_of_candidates(make_pattern, calibrated, factor):
    peaks = scaled(make_pattern, factor, 1.0 if calibrated else 0.01)
    answers = set()
    for names in permutations(["Ge", "GaAs", "AlAs"]):
        (record,) = index_regions([peaks], names, IndexingSettings(calibrated=calibrated))
        ranking = tuple(match.phase for match in record.ranking)
        answers.add((record.phase, record.ties, ranking, round(record.probability, 9)))
        assert record.reason.count(" = ") == len(record.ties)
    assert len(answers) == 1


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.floats(-0.03, 0.03), min_size=3, max_size=3), st.permutations([9.0, 9.5, 10.0]))
def test_names_of_a_tie_go_by_the_closest_scale_then_by_name(make_pattern, scales, scores):
    first, *_ = index_peaks(make_pattern("Ge", (1, 1, 0)).peaks, ["Ge"])
    matches = [
        replace(
            first,
            oriented=replace(first.oriented, crystal=as_crystal(name)),
            scale=float(np.exp(scale)),
            score=score,
        )
        for name, scale, score in zip(["Si", "Ge", "GaAs"], scales, scores, strict=True)
    ]
    far = replace(matches[0], oriented=replace(first.oriented, crystal=as_crystal("InSb")), score=1)
    found = order_ties(sorted([*matches, far], key=lambda one: -one.score), np.log(5.0))
    keys = [(round(abs(np.log(match.scale)), 3), match.phase) for match in found[:3]]
    assert keys == sorted(keys) and found[3] is far


def test_equals_go_by_name(make_pattern):
    germanium = as_crystal("Ge")
    twins = [replace(germanium, name="b"), replace(germanium, name="a")]
    for order in (twins, twins[::-1]):
        (record,) = index_regions([make_pattern("Ge", (1, 1, 0)).peaks], order)
        assert (record.phase, record.ties) == ("a", ("b",))


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    st.sampled_from([1e-4, 1e-3, 5e-3]), st.sampled_from([0.97, 0.98, 1.02, 1.03]), st.booleans()
)
def test_a_stated_error_binds(make_pattern, error, factor, several):
    """Silicon whose spacings are wrong by more than the error and strain allow is no silicon."""
    peaks = scaled(make_pattern, factor, name="Si")
    regions = [replace(peaks, region=n) for n in range(1, 4 if several else 2)]
    told = IndexingSettings(calibration_error=error)
    for record in index_regions(regions, ["Si"], told):
        assert record.phase is None
        assert "none of these" in record.reason and "Si [110]" in record.reason
    for record in index_regions(regions, ["Si"]):
        assert record.phase == "Si"
    right = scaled(make_pattern, 1 + error / 2, name="Si")
    assert index_regions([right], ["Si"], told)[0].phase == "Si"

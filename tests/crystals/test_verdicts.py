from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.crystals.indexing.peak_indexing import CALIBRATED, UNCALIBRATED, index_spots
from hyperspy_twin.crystals.indexing.verdicts import (
    NO_CRYSTAL,
    UNLISTED,
    alternatives,
    listed_alike,
    refused,
    verdict_of,
)


@pytest.fixture(scope="module")
def silicon(make_pattern):
    return index_spots(*make_pattern("Si", (1, 1, 0), noise=0.02), ["Si", "Ge", "Au"])


def test_probabilities_add_up_to_one(silicon):
    other = alternatives(20.0, listed_alike(silicon, CALIBRATED, 3))
    verdict = verdict_of(silicon, other, 3, 20)
    weight = np.exp([match.score for match in silicon]) * (1 - UNLISTED - NO_CRYSTAL) / 3
    share = weight.sum() / (weight.sum() + np.exp(other))
    silicon_only = [match.phase == "Si" for match in silicon]
    assert verdict.best is not None and verdict.best.phase == "Si"
    expected = share * weight[silicon_only].sum() / weight.sum()
    assert verdict.probability == pytest.approx(expected)


def test_an_unknown_net_wins_by_its_evidence(silicon):
    verdict = verdict_of(silicon, alternatives(200.0, -np.inf), 3, 20)
    assert verdict.best is None and verdict.probability == pytest.approx(1)
    assert verdict.reason.startswith("none of these, with a probability of 100%")
    assert verdict.ranking[0].phase == "Si" and verdict.ranking[0].probability < 1e-6


def test_without_evidence_spots_are_of_no_crystal():
    assert alternatives(-np.inf, -np.inf) == pytest.approx(np.log(NO_CRYSTAL))


def test_another_size_costs_nothing_without_a_pixel_size(make_pattern):
    pattern = make_pattern("Si", (1, 1, 0), noise=0.02)
    matches = index_spots(*pattern, ["Si"], calibrated=False)
    alike = listed_alike(matches, UNCALIBRATED, 1)
    assert alike == pytest.approx(np.logaddexp.reduce([match.score for match in matches]))
    sure = index_spots(*pattern, ["Si"], scale_prior=CALIBRATED._replace(limit=0.002, doubt=0.001))
    gain = sure[0].score - listed_alike(sure, CALIBRATED._replace(limit=0.002, doubt=0.001), 1)
    usual = index_spots(*pattern, ["Si"])
    assert gain > usual[0].score - listed_alike(usual, CALIBRATED, 1) > 0


def test_too_few_spots(make_pattern):
    pattern = make_pattern("Au", (1, 1, 0), noise=0.01)
    near = np.argsort(np.linalg.norm(pattern.spots, axis=1))[:2]
    two = pattern.spots[near], pattern.error[near], pattern.intensity[near]
    matches = index_spots(*two, ["Au"])
    verdict = verdict_of(matches, -np.inf, 1, 2)
    assert verdict.best is None
    assert verdict.reason == (
        "too few spots: the best, Au [110], explains 2, and 3 are the least that tell crystals "
        "apart"
    )


def test_taken_back(silicon):
    matches = verdict_of(silicon, -np.inf, 3, 20).ranking
    verdict = refused(matches, 0.4)
    assert verdict.best is None and "explains 40% of the spots" in verdict.reason
    assert verdict.probability == pytest.approx(1 - sum(m.probability for m in matches))

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.crystals.indexing.peak_indexing import index_peaks
from hyperspy_twin.crystals.indexing.settings import CALIBRATED, UNCALIBRATED, IndexingSettings
from hyperspy_twin.crystals.indexing.verdicts import (
    NO_CRYSTAL,
    UNLISTED,
    judge,
    refuse,
    weigh_alike,
    weigh_alternatives,
)


@pytest.fixture(scope="module")
def silicon(make_pattern):
    return index_peaks(make_pattern("Si", (1, 1, 0), noise=0.02).peaks, ["Si", "Ge", "Au"])


def test_probabilities_add_up_to_one(silicon):
    other = weigh_alternatives(20.0, weigh_alike(silicon, CALIBRATED, 3))
    verdict = judge(silicon, other, 3, 20)
    weight = np.exp([match.score for match in silicon]) * (1 - UNLISTED - NO_CRYSTAL) / 3
    share = weight.sum() / (weight.sum() + np.exp(other))
    silicon_only = [match.phase == "Si" for match in silicon]
    assert verdict.best is not None and verdict.best.phase == "Si"
    expected = share * weight[silicon_only].sum() / weight.sum()
    assert verdict.probability == pytest.approx(expected)


def test_an_unknown_net_wins_by_its_evidence(silicon):
    verdict = judge(silicon, weigh_alternatives(200.0, -np.inf), 3, 20)
    assert verdict.best is None and verdict.probability == pytest.approx(1)
    assert verdict.reason.startswith("none of these, with a probability of 100%")
    assert verdict.ranking[0].phase == "Si" and verdict.ranking[0].probability < 1e-6


def test_without_evidence_spots_are_of_no_crystal():
    assert weigh_alternatives(-np.inf, -np.inf) == pytest.approx(np.log(NO_CRYSTAL))


def test_another_size_costs_nothing_without_a_pixel_size(make_pattern):
    pattern = make_pattern("Si", (1, 1, 0), noise=0.02)
    matches = index_peaks(pattern.peaks, ["Si"], IndexingSettings(calibrated=False))
    alike = weigh_alike(matches, UNCALIBRATED, 1)
    assert alike == pytest.approx(np.logaddexp.reduce([match.score for match in matches]))
    certain = CALIBRATED._replace(limit=0.002, doubt=0.001)
    sure = index_peaks(pattern.peaks, ["Si"], IndexingSettings(scale_prior=certain))
    gain = sure[0].score - weigh_alike(sure, certain, 1)
    usual = index_peaks(pattern.peaks, ["Si"])
    assert gain > usual[0].score - weigh_alike(usual, CALIBRATED, 1) > 0


def test_too_few_spots(make_pattern):
    pattern = make_pattern("Au", (1, 1, 0), noise=0.01)
    near = np.argsort(np.linalg.norm(pattern.spots, axis=1))[:2]
    matches = index_peaks(pattern.peaks.take(near), ["Au"])
    verdict = judge(matches, -np.inf, 1, 2)
    assert verdict.best is None
    assert verdict.reason == (
        "too few peaks: the best, Au [110], explains 2, and 3 are the least that tell crystals "
        "apart"
    )


def test_taken_back(silicon):
    matches = judge(silicon, -np.inf, 3, 20).ranking
    verdict = refuse(matches, 0.4)
    assert verdict.best is None and "explains 40% of the peaks" in verdict.reason
    assert verdict.probability == pytest.approx(1 - sum(m.probability for m in matches))

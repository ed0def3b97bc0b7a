from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hyperspy_twin.crystals.evidence.zone_evidence import ScalePrior
from hyperspy_twin.crystals.indexing.bundled_rivals import LARGEST_CELL, weigh_bundled_crystals
from hyperspy_twin.crystals.indexing.peak_indexing import index_peaks
from hyperspy_twin.crystals.indexing.settings import IndexingSettings
from hyperspy_twin.crystals.structures import catalogue

SURE = IndexingSettings(scale_prior=ScalePrior(0.0, 0.04, limit=0.01, doubt=0.001))


def test_the_true_crystal_is_thought_of(make_pattern):
    pattern = make_pattern("NaCl", (1, 1, 0), noise=0.02)
    candidates = [catalogue.get("Si"), catalogue.get("Cu")]
    evidence, best = weigh_bundled_crystals(pattern.peaks, candidates, SURE)
    assert best is not None and best.phase == "NaCl"
    assert np.linalg.det(best.crystal.base) < LARGEST_CELL
    without, other = weigh_bundled_crystals(
        pattern.peaks, [*candidates, catalogue.get("NaCl")], SURE
    )
    assert other is not None and other.phase != "NaCl" and without < evidence


def test_rivals_are_weighed_as_candidates_are(make_pattern):
    """Fewer of their zone axes are tried, which is no reason to believe in one of them more."""
    pattern = make_pattern("NaCl", (1, 1, 0), noise=0.02)
    _, rival = weigh_bundled_crystals(
        pattern.peaks, [catalogue.get("Si")], replace(SURE, elements=("Na", "Cl"))
    )
    first, *_ = index_peaks(pattern.peaks, ["NaCl"], SURE)
    assert rival is not None
    assert rival.score == pytest.approx(first.score, abs=0.25)


def test_elements_of_the_sample_leave_out_the_others(make_pattern):
    pattern = make_pattern("BaTiO3-cubic", (1, 1, 0), noise=0.02)
    candidates = [catalogue.get("SrTiO3")]
    _, best = weigh_bundled_crystals(pattern.peaks, candidates, SURE)
    assert best is not None and "Ba" in best.crystal.elements
    _, best = weigh_bundled_crystals(
        pattern.peaks, candidates, replace(SURE, elements=("Sr", "Ti", "O"))
    )
    assert best is None or set(best.crystal.elements) <= {"Sr", "Ti", "O"}
    assert weigh_bundled_crystals(pattern.peaks, candidates, replace(SURE, elements=("Xe",))) == (
        -np.inf,
        None,
    )


def test_reason_names_what_fits_better(make_pattern, identify):
    """Cubic barium titanate is strontium titanate 2.6 % larger."""
    pattern = make_pattern("BaTiO3-cubic", (1, 1, 0), noise=0.02)
    verdict = identify(pattern.peaks, ["SrTiO3", "Si", "Au"], calibration_error=0.003)
    assert verdict.phase is None and verdict.reason.startswith("none of these, with a probab")
    assert "; BaTiO3" in verdict.reason and "which is no candidate, explains" in verdict.reason
    unsure = identify(pattern.peaks, ["SrTiO3", "Si", "Au"])
    assert unsure.phase == "SrTiO3" and unsure.probability < 0.95
    assert "if the pixel size is wrong by -2." in unsure.reason


@pytest.mark.parametrize("name", ["SrTiO3", "Au", "Si"])
def test_right_candidates_stay(make_pattern, name, identify):
    verdict = identify(make_pattern(name, (1, 1, 0), noise=0.03).peaks, ["SrTiO3", "Si", "Au"])
    assert verdict.phase == name and verdict.probability > 0.8

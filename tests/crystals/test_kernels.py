"""The compiled kernels and their plain Python agree."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

from hyperspy_twin.crystals.diffraction import make_zone_patterns
from hyperspy_twin.crystals.evidence import affine, hypotheses, intensities
from hyperspy_twin.crystals.evidence import unknown_crystal as unknown
from hyperspy_twin.crystals.evidence import zone_evidence as evidence
from hyperspy_twin.crystals.evidence.friedel_pairs import fold_peaks
from hyperspy_twin.crystals.indexing.settings import CALIBRATED, UNCALIBRATED
from hyperspy_twin.crystals.structures import catalogue


def plain(module):
    """Replace every kernel of a module by its Python function."""
    kernels = {
        name: value.py_func for name, value in vars(module).items() if hasattr(value, "py_func")
    }
    return mock.patch.multiple(module, **kernels)


def test_search_and_evidence_agree_with_plain_python(make_pattern):
    pattern = make_pattern("Si", (1, 1, 0), scale=1.02, false=1)
    observed = fold_peaks(pattern.peaks).observed
    (lattice,) = make_zone_patterns(catalogue.get("Si"), 1, 16.0, ((1, 1, 0),))
    arguments = observed, lattice, (0.9, 1.1), 0.05
    compiled = evidence.explain(*arguments, CALIBRATED)
    net = unknown.weigh_unknown_crystal(observed, True)
    votes, found = hypotheses.search(*arguments, 2)
    with plain(affine), plain(hypotheses), plain(intensities), plain(evidence), plain(unknown):
        slow_votes, slow_found = hypotheses.search(*arguments, 2)
        slow = evidence.explain(*arguments, CALIBRATED)
        assert unknown.weigh_unknown_crystal(observed, True) == pytest.approx(net)
    assert np.allclose(votes, slow_votes) and np.allclose(found, slow_found)
    assert compiled[:5] == pytest.approx(slow[:5])
    assert np.array_equal(compiled[5], slow[5])


def test_prior_of_the_scale():
    wide = evidence.ScalePrior(0.0, 0.02)
    for density in (evidence.log_scale_density, evidence.log_scale_density.py_func):
        gain = density(0.0, 0.0, wide) - density(0.02, 0.0, wide)
        assert gain == pytest.approx(np.log(2))
        assert density(0.5, 0.01, UNCALIBRATED) == density(-3.0, 0.02, UNCALIBRATED)


@pytest.mark.parametrize(("limit", "doubt"), [(1.0, 1.0), (0.1, 0.5), (0.02, 0.001)])
@pytest.mark.parametrize("error", [0.0, 0.03])
def test_prior_of_the_scale_is_normalised(limit, doubt, error):
    prior = evidence.ScalePrior(0.02, 0.04, limit, doubt)
    x = np.linspace(-20, 20, 40001)
    total = np.exp([evidence.log_scale_density(v, error, prior) for v in x]).sum() * 1e-3
    assert total == pytest.approx(1, abs=0.01)


def test_scales_within_a_limit_are_alike_and_others_unlikely():
    prior = evidence.ScalePrior(0.0, 0.04, limit=0.01, doubt=0.001)
    centre, inside, edge, outside = (
        evidence.log_scale_density(v, 0.0, prior) for v in (0.0, -0.008, 0.01, 0.03)
    )
    assert centre == pytest.approx(np.log(1 / 0.02), abs=0.01) == pytest.approx(inside, abs=0.01)
    assert edge == pytest.approx(centre - np.log(2), abs=0.01)
    wide = evidence.log_scale_density(0.03, 0.0, evidence.ScalePrior(0.0, 0.04))
    assert outside == pytest.approx(wide + np.log(0.001))


def test_detection_grows_with_intensity():
    values = [intensities.detection_probability(x, 0.0, 1.0) for x in (-9, -1, 0, 1, 9)]
    assert values == sorted(values)
    assert values[2] == 0.5
    assert values[0] == pytest.approx(0, abs=1e-3) and values[-1] == pytest.approx(1, abs=1e-3)

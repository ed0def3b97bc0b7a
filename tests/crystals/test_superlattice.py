from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.crystals.diffraction import make_zone_patterns
from hyperspy_twin.crystals.evidence.friedel_pairs import fold_peaks
from hyperspy_twin.crystals.evidence.superlattice import SHOWN, superlattice_gain
from hyperspy_twin.crystals.evidence.zone_evidence import explain
from hyperspy_twin.crystals.indexing.settings import CALIBRATED
from hyperspy_twin.crystals.structures import catalogue


def gain_of(peaks):
    """Gain by a superlattice, of the best explanation by palladium along [111]."""
    observed = fold_peaks(peaks).observed
    (lattice,) = make_zone_patterns(catalogue.get("Pd"), 1, 16.0, ((1, 1, 1),))
    *_, alpha, beta, index = explain(observed, lattice, (0.9, 1.1), 0.05, CALIBRATED)
    reach = len(lattice.number) // 2
    matched = np.where(index.any(axis=1), lattice.number[tuple(index.T + reach)], -1)
    compiled = superlattice_gain(observed, lattice, alpha, beta, matched)
    plain = superlattice_gain.py_func(observed, lattice, alpha, beta, matched)
    assert compiled == pytest.approx(plain)
    return compiled


def with_thirds(pattern, strength):
    """Spots of an fcc crystal along [111], and those of its open stacking, 1/3 {422}."""
    first = pattern.spots[np.argmin(np.linalg.norm(pattern.spots, axis=1))]
    angles = np.pi / 6 + np.arange(3) * np.pi / 3
    turns = np.array([[[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]] for a in angles])
    extra = turns @ first / np.sqrt(3)
    power = np.append(pattern.intensity, np.full(3, strength * pattern.intensity.max()))
    spots = np.vstack([pattern.spots, extra])
    return spots, np.full(spots.shape, 0.01), power


def test_weak_spots_at_thirds_are_a_superlattice(make_pattern, peaks_of):
    pattern = make_pattern("Pd", (1, 1, 1), noise=0.01)
    without = gain_of(pattern.peaks)
    assert without == pytest.approx(np.log(1 - SHOWN))
    weak, strong = (peaks_of(*with_thirds(pattern, strength)) for strength in (0.01, 0.9))
    assert gain_of(weak) > 3
    assert gain_of(strong) == pytest.approx(without)  # as strong: no such


def test_random_weak_spots_are_none(make_pattern, peaks_of):
    pattern = make_pattern("Pd", (1, 1, 1), noise=0.01)
    rng = np.random.default_rng(2)
    for _ in range(20):
        spots = np.vstack([pattern.spots, rng.uniform(-6, 6, (4, 2))])
        power = np.append(pattern.intensity, np.full(4, 0.01 * pattern.intensity.max()))
        assert gain_of(peaks_of(spots, 0.01, power)) < 1


def test_open_stacking_does_not_hide_the_phase(make_pattern, peaks_of, identify):
    pattern = make_pattern("Pd", (1, 1, 1), noise=0.01)
    verdict = identify(peaks_of(*with_thirds(pattern, 0.01)), ["Au", "Pd", "Cu", "Si"])
    assert (verdict.phase, verdict.zone_axis) == ("Pd", (1, 1, 1))

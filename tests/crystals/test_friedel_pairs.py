from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.crystals.evidence.friedel_pairs import fold_peaks, two_directions

XY = np.array([[3.0, 1.0], [-1.0, 3.0], [2.0, 4.0]])
POWER = np.array([5.0, 9.0, 2.0])


def test_friedel_pairs_fold_onto_each_other(peaks_of):
    both = np.concatenate([XY, -XY])
    once = fold_peaks(peaks_of(XY, 0.01, POWER))
    twice = fold_peaks(peaks_of(both, 0.01, np.tile(POWER, 2)))
    assert np.allclose(np.abs(once.observed.position), np.abs(twice.observed.position))
    assert np.array_equal(twice.sign[:3], -twice.sign[3:])
    assert np.array_equal(twice.member[:3], twice.member[3:])
    back = twice.observed.position[twice.member] * twice.sign
    assert np.allclose(np.stack([back.real, back.imag], 1), both)


def test_strongest_first_and_heavier(peaks_of):
    observed = fold_peaks(peaks_of(XY, 0.01, POWER)).observed
    assert np.all(np.diff(observed.log_intensity) < 0)
    assert np.all(np.diff(observed.weight) < 0)


def test_artefacts_far_out_are_left_out(peaks_of):
    folded = fold_peaks(peaks_of(np.vstack([XY, [[60, 5]]]), 0.01, [*POWER, 0.1]))
    assert folded.member[-1] == -1 and len(folded.observed.position) == 3
    assert fold_peaks(peaks_of(XY, 0.01, POWER), longest=1.0) is None


def test_satellite_weighs_little(peaks_of):
    spots = np.vstack([XY, [[-1.1, 3.1]]])
    folded = fold_peaks(peaks_of(spots, 0.001, [*POWER, 1.0]))
    weight = folded.observed.weight[folded.member]
    assert weight[3] < 0.3 * weight[2]


def test_directions():
    assert not two_directions(np.array([1 + 1j, 2 + 2j, -3 - 3j]))
    assert two_directions(np.array([1 + 1j, 2 + 1j]))


@pytest.mark.parametrize(
    ("spots", "power", "message"),
    [
        (XY, POWER[:2], "as many"),
        ([[np.nan, 0]], [1], "finite"),
        (XY, -POWER, "negative"),
        ([[0.0, 0.0]], [1], "origin"),
    ],
)
def test_wrong_input(spots, power, message, peaks_of):
    with pytest.raises(ValueError, match=message):
        fold_peaks(peaks_of(spots, 0.01, power))

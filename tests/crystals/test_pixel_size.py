"""Pixel size and distortion by the spots of known crystals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.crystals.diffraction.orientation import predict_pattern
from hyperspy_twin.crystals.indexing.peak_indexing import index_peaks
from hyperspy_twin.crystals.relations.pixel_size import (
    Stretch,
    calibrate,
    combine_stretches,
    measure_stretch,
)
from hyperspy_twin.crystals.relations.rescaling import rescale_distortion, rescale_match

SMALL = st.floats(-0.04, 0.04)


@pytest.fixture(scope="module")
def gold(make_pattern):
    """Explanation of a perfect pattern, and its true spots without the scan."""
    match = index_peaks(make_pattern("Au", (1, 1, 0)).peaks, ["Au"])[0]
    pattern = predict_pattern(match.oriented, 9.0)
    half = pattern.position[:, 0] > 0
    return match, pattern.hkl[half], pattern.position[half]


@settings(deadline=None, max_examples=40)
@given(xx=SMALL, yy=SMALL, xy=SMALL)
def test_known_stretch_is_measured(gold, xx, yy, xy, peaks_of):
    match, hkl, true = gold
    matrix = np.array([[1 + xx, xy], [xy, 1 + yy]])
    found = measure_stretch(match.oriented, hkl, peaks_of(true @ matrix.T, 1e-3))
    assert np.allclose(found.matrix, matrix, atol=1e-9)


def test_rotation_of_the_spots_is_not_taken_for_a_stretch(gold, peaks_of):
    match, hkl, true = gold
    turn = np.array([[np.cos(0.03), -np.sin(0.03)], [np.sin(0.03), np.cos(0.03)]])
    found = measure_stretch(match.oriented, hkl, peaks_of(true @ turn.T, 1e-3))
    assert np.allclose(found.matrix, np.eye(2), atol=1e-9)


def test_standard_errors_are_those_of_many_noisy_patterns(gold, peaks_of):
    match, hkl, true = gold
    rng = np.random.default_rng(1)
    error = rng.uniform(0.002, 0.02, (len(true), 1)) * np.ones(2)
    found = [
        measure_stretch(match.oriented, hkl, peaks_of(true + rng.normal(0, error), error))
        for _ in range(2000)
    ]
    parts = np.array([[s.matrix[0, 0], s.matrix[1, 1], s.matrix[0, 1]] for s in found])
    predicted = np.mean([s.variance for s in found], axis=0)
    # The scatter counts only where it exceeds the errors, so the errors are a little large.
    assert np.all(parts.var(axis=0) < 1.05 * predicted)
    assert np.all(parts.var(axis=0) > 0.75 * predicted)


def test_report_of_a_known_scan():
    """Pixels 3 % too large along x, 1 % along y; a scan 0.4 degrees off square."""
    xy = 1.02 * np.deg2rad(0.2)
    matrix = np.array([[1.03, xy], [xy, 1.01]])
    found = combine_stretches([Stretch(matrix, np.zeros(3))] * 4, [1, 2, 3, 5], (0.02, 0.04))
    assert found.scale == pytest.approx(1.02)
    assert found.anisotropy == pytest.approx(100 * 0.02 / 1.02)
    assert found.shear == pytest.approx(0.4, rel=1e-3)
    assert found.pixel_size == pytest.approx((0.0206, 0.0404))
    assert np.allclose(found.scale * found.distortion, matrix)
    assert found.regions == (1, 2, 3, 5)
    assert "0.020600 ±" in repr(found) and "nm" in repr(found)


def test_one_region_cannot_tell_strain_from_a_wrong_pixel_size():
    exact = Stretch(np.eye(2), np.zeros(3))
    one = combine_stretches([exact], [1], (1.0, 1.0))
    many = combine_stretches([exact] * 20, list(range(20)), (1.0, 1.0))
    assert one.pixel_size_error == pytest.approx((0.008, 0.008))
    assert many.scale_error < 0.001


def test_error_of_the_mean_is_that_of_strained_regions():
    rng = np.random.default_rng(0)
    spread, noise, count = 0.006, 0.004, 8
    means, errors = [], []
    for _ in range(400):
        shifts = rng.normal(0, spread, count) + rng.normal(0, noise, count)
        regions = [Stretch(np.eye(2) * (1 + s), np.full(3, noise**2)) for s in shifts]
        found = combine_stretches(regions, range(count), (1.0, 1.0))
        means.append(found.pixel_size[0])
        errors.append(found.pixel_size_error[0])
    assert np.mean(means) == pytest.approx(1, abs=4e-4)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.15)


def test_an_exact_region_outweighs_a_vague_one():
    exact, vague = (Stretch(np.eye(2) * s, np.full(3, e**2)) for s, e in ((1, 1e-3), (1.1, 0.2)))
    assert combine_stretches([exact, vague], [1, 2], (1.0, 1.0)).scale == pytest.approx(1, abs=2e-3)


def test_nothing_to_calibrate_with_is_named():
    with pytest.raises(ValueError, match="no region is indexed"):
        calibrate([], [], (1.0, 1.0))


@settings(deadline=None, max_examples=30)
@given(x=st.floats(0.9, 1.1), y=st.floats(0.9, 1.1), xy=SMALL)
def test_rescaled_explanation_predicts_the_rescaled_spots(gold, x, y, xy):
    match, _, _ = gold
    scan = np.array([[1.01, xy], [xy, 0.99]])
    before = predict_pattern(match.oriented, 9.0, scale=1.05, distortion=scan)
    from dataclasses import replace

    changed = rescale_match(replace(match, scale=1.05, distortion=scan), (x, y))
    after = predict_pattern(
        changed.oriented, 20.0, scale=changed.scale, distortion=changed.distortion
    )
    place = {tuple(hkl): position for hkl, position in zip(after.hkl, after.position, strict=True)}
    for hkl, position in zip(before.hkl, before.position, strict=True):
        assert np.allclose(place[tuple(hkl)], position / (x, y), atol=1e-9)
    assert np.allclose(changed.orientation @ changed.orientation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(changed.orientation) == pytest.approx(1)
    assert np.trace(changed.distortion) == pytest.approx(2)


def test_a_scan_is_right_after_its_own_correction():
    scan = np.array([[1.02, 0.0], [0.0, 0.98]])
    scale, distortion = rescale_distortion(1.05, scan, (1.05 * 1.02, 1.05 * 0.98))
    assert scale == pytest.approx(1)
    assert np.allclose(distortion, np.eye(2))

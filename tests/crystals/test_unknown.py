from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.crystals.evidence.friedel_pairs import fold_peaks
from hyperspy_twin.crystals.evidence.unknown_crystal import (
    plane_lattice_evidence,
    shape_density,
    weigh_unknown_crystal,
)


def test_shapes_are_a_distribution():
    """The density of shapes per area integrates to one over the nets that differ."""
    rng = np.random.default_rng(3)
    # Uniform in hyperbolic area above |shape| = 1 within half a period; c is half as long.
    x, y = rng.uniform(-0.5, 0.5, 400_000), 0.8 / (1 - rng.random(400_000))
    inside = np.hypot(x, y) >= 1
    density = [shape_density(1 + 0j, complex(*at), 0.05**2) for at in np.stack([x, y], axis=1)]
    area = 1 / 0.8 / 4
    total = np.mean(np.where(inside, density, 0)) * area
    assert total == pytest.approx(1, abs=0.15)


def test_symmetric_nets_are_expected_more_than_oblique_ones():
    square, oblique = 1j, 0.3 + 1.15j
    hexagonal = np.exp(1j * np.pi / 3)
    density = {one: shape_density(1 + 0j, one, 0.015**2) for one in (square, hexagonal, oblique)}
    assert density[square] > 50 * density[oblique]
    assert density[hexagonal] > 50 * density[oblique]
    mirrored = shape_density(1 + 0j, -hexagonal.conjugate(), 0.015**2)
    assert mirrored == pytest.approx(density[hexagonal])


@pytest.mark.parametrize("name", ["Si", "graphite", "CuTe", "MoS2"])
def test_every_crystal_is_a_net(make_pattern, name):
    pattern = make_pattern(name, (0, 0, 1), noise=0.02, false=1)
    observed = fold_peaks(pattern.peaks).observed
    assert weigh_unknown_crystal(observed, True) > 8


def test_random_spots_are_none(peaks_of):
    rng = np.random.default_rng(5)
    for count in range(3, 15):
        spots = rng.uniform(-9, 9, (count, 2))
        observed = fold_peaks(peaks_of(spots, 0.02, np.exp(rng.normal(0, 1, count)))).observed
        assert weigh_unknown_crystal(observed, True) < 4


def test_no_net_along_a_line(peaks_of):
    spots = np.array([[2.0, 1.0], [4.0, 2.0], [6.0, 3.0]])
    observed = fold_peaks(peaks_of(spots, 0.01, np.ones(3))).observed
    assert weigh_unknown_crystal(observed, True) == -np.inf


def test_the_right_net_explains_most(make_pattern):
    pattern = make_pattern("Au", (0, 0, 1), noise=0.02)
    observed = fold_peaks(pattern.peaks).observed
    step = np.exp(0.3j) * 20 / 4.0786
    right = plane_lattice_evidence(observed, step, 1j * step)
    assert right == pytest.approx(weigh_unknown_crystal(observed, True), abs=1)
    for other in (0.5, 2.0):
        assert right > plane_lattice_evidence(observed, other * step, 1j * other * step) + 3

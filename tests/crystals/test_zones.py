from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core.crystal import Crystal
from hyperspy_twin.crystals.diffraction.zone_axes import (
    distinct_zone_axes,
    laue_rotations,
    log_zone_weight,
    usual_zone_axes,
)
from hyperspy_twin.crystals.diffraction.zone_patterns import make_zone_patterns
from hyperspy_twin.crystals.structures import catalogue

ORDER = {"Si": 24, "GaAs": 24, "Fe": 24, "TiO2": 8, "PbTiO3": 8, "GaN": 12, "CuTe": 4}


@pytest.mark.parametrize("name", ORDER)
def test_order_of_the_rotation_group(name):
    assert len(laue_rotations(catalogue.get(name))) == ORDER[name]


def test_triclinic_crystal_has_only_the_identity():
    sites = ((0.0, 0.0, 0.0), (0.3, 0.1, 0.2))
    crystal = Crystal("x", (4, 5, 6, 80, 95, 103), ("Ti", "O"), sites, (1, 1))
    assert len(laue_rotations(crystal)) == 1
    assert len(distinct_zone_axes(crystal, 1)) == 26


def test_customary_names():
    cubic = distinct_zone_axes(catalogue.get("Si"), 3)
    assert cubic[:5] == ((0, 0, 1), (1, 1, 0), (1, 1, 1), (2, 1, 0), (1, 1, 2))
    assert len(cubic) == 14  # as 432: mirrored patterns such as [123] and [132] are distinct
    with pytest.raises(ValueError, match="max_index"):
        distinct_zone_axes(catalogue.get("Si"), 0)


@pytest.mark.parametrize(
    ("name", "axis", "length"),
    [
        ("SrTiO3", (1, 1, 1), 3**0.5),
        ("Au", (0, 0, 1), 1),
        ("Si", (1, 1, 0), 2**0.5 / 2),  # face-centred: half of [110] is a translation
        ("Si", (1, 1, 2), 6**0.5 / 2),
        ("Fe", (1, 1, 1), 3**0.5 / 2),  # body-centred
        ("Fe", (1, 1, 0), 2**0.5),
        ("GaN", (0, 0, 1), 1),
    ],
)
def test_zones_of_short_translations_are_likelier(name, axis, length):
    assert log_zone_weight(catalogue.get(name), axis) == pytest.approx(-np.log(length))


def test_a_sheet_lies_flat():
    assert usual_zone_axes(catalogue.get("graphene"), 3) == ((0, 0, 1),)
    (pattern,) = make_zone_patterns(catalogue.get("graphene"), 3, 12.0)
    assert pattern.zone_axis == (0, 0, 1) and pattern.log_prior == 0
    for name in ("graphite", "MoS2", "Si", "Bi2Te3"):
        crystal = catalogue.get(name)
        assert usual_zone_axes(crystal, 2) == distinct_zone_axes(crystal, 2)


@pytest.mark.parametrize("name", ["Si", "Fe", "GaN"])
def test_prior_of_the_zones_sums_to_one(name):
    patterns = make_zone_patterns(catalogue.get(name), 3, 12.0)
    assert sum(np.exp(one.log_prior) for one in patterns) == pytest.approx(1)


@pytest.mark.parametrize("name", ["Si", "GaN", "CuTe"])
def test_patterns(name):
    crystal = catalogue.get(name)
    reciprocal = np.linalg.inv(crystal.base).T * 10
    for pattern in make_zone_patterns(crystal, 2, 10.0):
        frame = pattern.frame
        assert np.allclose(frame @ frame.T, np.eye(3)) and np.linalg.det(frame) > 0.99
        direction = np.array(pattern.zone_axis) @ crystal.base
        assert np.allclose(frame @ direction, [0, 0, np.linalg.norm(direction)])
        image = pattern.coordinates @ pattern.plane @ reciprocal @ frame.T
        assert np.allclose(image[:, 2], 0, atol=1e-9)
        assert np.allclose(image[:, 0] + 1j * image[:, 1], pattern.vector)
        middle = pattern.number.shape[0] // 2
        for sign in (1, -1):
            number = pattern.number[tuple(sign * pattern.coordinates.T + middle)]
            assert np.array_equal(number, np.arange(len(pattern.coordinates)))
        assert (pattern.number >= 0).sum() == 2 * len(pattern.coordinates)
        assert np.array_equal(np.isinf(pattern.log_intensity[0]), pattern.amplitude == 0)


def test_double_diffraction_points_are_kept_apart():
    (pattern,) = make_zone_patterns(catalogue.get("Si"), 1, 10.0, ((1, 1, 0),))
    hkl = [tuple(row) for row in np.abs(pattern.coordinates @ pattern.plane).tolist()]
    forbidden, strongest = hkl.index((0, 0, 2)), pattern.amplitude.max()
    assert pattern.amplitude[forbidden] == 0
    assert pattern.amplitude[hkl.index((1, 1, 1))] > 1
    assert (0, 0, 1) not in hkl
    # 002 = -111 + 11-1 is the sum of the two strongest; no allowed reflection has a path.
    assert pattern.amplitude[hkl.index((1, 1, 1))] == pytest.approx(strongest)
    assert pattern.path[forbidden] == pytest.approx(1)
    assert not pattern.path[pattern.amplitude > 0].any()


def test_cubic_crystals_without_four_fold_axes_have_twelve_rotations():
    """Pyrite and bixbyite: the strong reflections alone look as if 213 were 123."""
    for name in ("FeS2", "In2O3"):
        assert len(laue_rotations(catalogue.get(name))) == 12
    assert len(laue_rotations(catalogue.get("Si"))) == 24

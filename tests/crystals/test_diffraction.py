from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.crystals.diffraction.reflections import (
    atomic_number_factors,
    electron_scattering_factor,
    find_reflections,
    find_zone_reflections,
    primitive_zone_axis,
    structure_factors,
    zone_lattice,
)
from hyperspy_twin.crystals.structures import catalogue

axis = st.tuples(*[st.integers(-4, 4)] * 3).filter(any)


def test_scattering_factors_against_published_values():
    assert electron_scattering_factor("Si", 0.52) == pytest.approx(1.868, abs=2e-3)
    assert electron_scattering_factor("Ge", 0.52) == pytest.approx(3.018, abs=2e-3)
    with pytest.raises(ValueError, match="Xx"):
        electron_scattering_factor("Xx", 0.5)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("Au", lambda h, k, m: (h + k) % 2 == 0 and (k + m) % 2 == 0),
        ("Fe", lambda h, k, m: (h + k + m) % 2 == 0),
        (
            "Si",
            lambda h, k, m: (
                (h + k) % 2 == 0 and (k + m) % 2 == 0 and (h % 2 == 1 or (h + k + m) % 4 == 0)
            ),
        ),
        ("GaAs", lambda h, k, m: (h + k) % 2 == 0 and (k + m) % 2 == 0),
        ("SrTiO3", lambda h, k, m: True),
        ("Ti", lambda h, k, m: not ((h - k) % 3 == 0 and m % 2 == 1)),
        ("GaN", lambda h, k, m: not ((h - k) % 3 == 0 and m % 2 == 1)),
    ],
)
def test_systematic_absences(name, allowed):
    found = {tuple(row) for row in find_reflections(catalogue.get(name), 12.0).hkl.tolist()}
    limit = max(map(max, found)) if found else 0
    grid = range(-limit, limit + 1)
    assert found
    assert all(allowed(*row) for row in found)
    g = {row: np.linalg.norm(_vector(name, row)) for row in np.ndindex(*[limit + 1] * 3)}
    expected = {row for row, length in g.items() if 0 < length <= 12.0 and allowed(*row)}
    assert expected == {row for row in found if min(row) >= 0}
    assert (0, 0, 0) not in found and set(grid) >= {row[0] for row in found}


def _vector(name, hkl):
    return np.array(hkl) @ np.linalg.inv(catalogue.get(name).base).T * 10


def test_structure_factors_by_hand():
    silicon, gaas = catalogue.get("Si"), catalogue.get("GaAs")
    s = np.sqrt(3) / 5.431 / 2
    f = electron_scattering_factor("Si", 2 * s) * np.exp(-0.5 * s**2)
    assert abs(structure_factors(silicon, [[1, 1, 1]])[0]) == pytest.approx(4 * np.sqrt(2) * f)
    f = [electron_scattering_factor(e, 2 / 5.65325) for e in ("Ga", "As")]
    weak = abs(structure_factors(gaas, [[2, 0, 0]], debye_waller=0.0)[0])
    assert weak == pytest.approx(4 * abs(f[0] - f[1]))
    assert weak < 0.1 * abs(structure_factors(gaas, [[2, 2, 0]])[0])
    light = np.abs(atomic_number_factors(catalogue.get("SrTiO3"), [[1, 0, 0], [1, 1, 0]]))
    z = 38**1.7, 22**1.7, 8**1.7
    ratio = (z[0] - z[1] - z[2]) / (z[0] + z[1] - z[2])
    assert light[0] / light[1] == pytest.approx(ratio, rel=0.4)


@settings(max_examples=40, deadline=None)
@given(axis, st.sampled_from(["Si", "GaN", "CuTe", "TiO2"]))
def test_zone_is_the_plane_of_the_sphere(zone, name):
    crystal = catalogue.get(name)
    everything = find_reflections(crystal, 9.0)
    zone_only = find_zone_reflections(crystal, zone, 9.0)
    flat = everything.hkl @ np.array(zone) == 0
    assert {*map(tuple, everything.hkl[flat].tolist())} == {*map(tuple, zone_only.hkl.tolist())}
    assert np.allclose(zone_only.vector @ (np.array(zone) @ crystal.base), 0, atol=1e-9)
    first, second = zone_lattice(crystal, zone)
    assert tuple(np.cross(first, second)) == primitive_zone_axis(zone)


def test_partial_occupancy_scales_the_amplitude():
    from dataclasses import replace

    full = catalogue.get("Au")
    half = replace(full, occupancy=(0.5,) * 4)
    hkl = [[1, 1, 1], [2, 0, 0]]
    assert np.allclose(structure_factors(half, hkl), 0.5 * structure_factors(full, hkl))


def test_wrong_input():
    silicon = catalogue.get("Si")
    for radius in (0, -1, np.nan):
        with pytest.raises(ValueError, match="g_max"):
            find_reflections(silicon, radius)
    for zone in ((0, 0, 0), (1, 1), (0.5, 1, 0)):
        with pytest.raises(ValueError, match="zone axis"):
            find_zone_reflections(silicon, zone, 5.0)
    assert len(find_reflections(silicon, 0.1)) == 0

"""Orientation relations of known pairs of crystals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hyperspy_twin.core import ANGSTROM_PER_NM, OrientedCrystal, Peaks
from hyperspy_twin.crystals.diffraction.orientation import (
    measure_misorientations,
    nearest_direction,
    orix_frame,
)
from hyperspy_twin.crystals.diffraction.reflections import find_zone_reflections
from hyperspy_twin.crystals.diffraction.twin_laws import find_twin_planes
from hyperspy_twin.crystals.diffraction.zone_patterns import zone_frame
from hyperspy_twin.crystals.indexing.matches import Match
from hyperspy_twin.crystals.indexing.records import RegionPhase
from hyperspy_twin.crystals.relations.epitaxy import (
    _degrees,
    find_adjacent,
    find_parallel_planes,
    relate_crystals,
    tabulate_epitaxy,
)
from hyperspy_twin.crystals.relations.lattice_planes import (
    IndexedLattice,
    centring_translations,
    find_coincidence,
    fit_indexed_lattice,
    plane_spacing,
)
from hyperspy_twin.crystals.structures import catalogue


def turned(degrees):
    """Rotation about the beam, positive counter-clockwise on the screen (y down)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])


def oriented(name, zone, up, degrees=0.0):
    """Crystal with the plane ``up`` facing the top of the image."""
    crystal = catalogue.get(name)
    g = np.array(up) @ np.linalg.inv(crystal.base).T
    frame = zone_frame(crystal, zone, g)  # g along +x
    return OrientedCrystal(crystal, zone, turned(degrees) @ turned(90) @ frame)


def misorientation(first, second):
    """Angle and axis of one pair."""
    (angle,), (axis,) = measure_misorientations([first], [second])
    return angle, tuple(axis.tolist())


def lattice(crystal, affine=None):
    return IndexedLattice(crystal, np.eye(2) if affine is None else affine, 1e-8)


def test_silicon_on_germanium():
    pairs = find_parallel_planes(
        lattice(oriented("Si", (1, 1, 0), (0, 0, 1))), lattice(oriented("Ge", (1, 1, 0), (0, 0, 1)))
    )
    assert [(pair.first, pair.second) for pair in pairs] == [
        ((0, 0, 1), (0, 0, 1)),
        ((1, -1, 0), (1, -1, 0)),
    ]
    for pair in pairs:
        assert pair.misfit == pytest.approx(100 * (5.658 / 5.431 - 1), abs=0.02)
        assert pair.measured_misfit == pytest.approx(pair.misfit)
        assert pair.angle == pytest.approx(0, abs=1e-9)
        assert pair.multiples == (1, 1)


def test_nitride_on_silicon():
    """GaN (0001) on Si (111), GaN [11-20] along Si [1-10]: 17 % misfit, 5:6 coincidence."""
    silicon = oriented("Si", (1, 1, -2), (1, 1, 1))
    nitride = oriented("GaN", (2, 1, 0), (0, 0, 1))
    pairs = find_parallel_planes(lattice(silicon), lattice(nitride))
    named = {pair.first: pair for pair in pairs}
    assert named[(1, 1, 1)].second[:2] == (0, 0)
    across = named[(1, -1, 0)]
    assert sorted(map(abs, across.second)) == [0, 1, 2]  # one of {11-20}
    assert across.spacing_first == pytest.approx(0.5431 / np.sqrt(8), rel=1e-3)
    assert across.spacing_second == pytest.approx(0.3189 / 2, rel=1e-3)
    assert across.misfit == pytest.approx(-16.9, abs=0.2)
    assert across.multiples == (5, 6)
    assert abs(across.coincidence_misfit) < 0.5


@settings(deadline=None, max_examples=30)
@given(degrees=st.floats(-1.9, 1.9), base=st.floats(-180, 180))
def test_a_small_turn_is_read_with_its_sign(degrees, base):
    first = oriented("Au", (0, 0, 1), (1, 0, 0), base)
    second = oriented("MgO", (0, 0, 1), (1, 0, 0), base + degrees)
    for pair in find_parallel_planes(lattice(first), lattice(second)):
        assert pair.angle == pytest.approx(degrees, abs=1e-6)
        assert pair.first == pair.second


def test_without_parallel_planes_the_nearest_are_given():
    """Between any two of the planes {10} and {11} at 0 and 11 degrees there are at least 3."""
    first, second = (oriented("Au", (0, 0, 1), (1, 0, 0), angle) for angle in (0, 11))
    pairs = find_parallel_planes(lattice(first), lattice(second), largest_angle=0.1)
    assert len(pairs) >= 1
    assert 0.1 < abs(pairs[0].angle) < 11.1


def test_measured_misfit_is_that_of_the_image_whatever_its_distortion():
    """A coherent layer: bulk misfit 4 %, none along the interface, and 7 % across."""
    silicon, germanium = (oriented(name, (1, 1, 0), (0, 0, 1)) for name in ("Si", "Ge"))
    bulk = germanium.crystal.lattice[0] / silicon.crystal.lattice[0]
    scan = np.array([[1.05, 0.02], [0.01, 0.97]])
    coherent = np.diag([bulk, bulk / 1.07])
    across, along = find_parallel_planes(
        lattice(silicon, scan), lattice(germanium, scan @ coherent)
    )
    assert along.first == (1, -1, 0) and along.measured_misfit == pytest.approx(0, abs=1e-9)
    assert across.measured_misfit == pytest.approx(7.0)
    assert across.misfit == pytest.approx(100 * (bulk - 1))
    assert across.measured_error == pytest.approx(100 * 1.07 * np.sqrt(2e-8))


def test_lattice_of_a_region_by_its_spots():
    match = oriented("Si", (1, 1, 0), (0, 0, 1), 17)
    found = find_zone_reflections(match.crystal, (1, 1, 0), 9.0)
    affine = np.array([[1.03, 0.01], [-0.02, 0.99]])
    spots = (found.vector @ match.orientation.T)[:, :2] @ affine.T
    peaks = Peaks(position=spots, error=np.full(spots.shape, 1e-4), intensity=np.ones(len(spots)))
    measured = fit_indexed_lattice(match, found.hkl, peaks)
    assert np.allclose(measured.affine, affine)
    assert 0 < measured.variance < 1e-8


def test_twin_has_its_textbook_misorientation():
    """A twin across (1 -1 1), seen along [110]: 60 degrees about <111>."""
    first = oriented("Si", (1, 1, 0), (1, -1, 1))
    mirrored = oriented("Si", (1, 1, 0), (1, -1, -1))
    # Seen along [110], the twin is turned by 70.53 degrees, which is 60 degrees about <111>.
    angle, axis = misorientation(first, mirrored)
    assert angle == pytest.approx(60.0, abs=1e-3)
    assert axis == (1, 1, 1)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    st.floats(-180, 180),
    st.floats(-1.5, 1.5),
    st.sampled_from([(1, -1, 1), (1, -1, -1), (-1, 1, 1)]),
    st.booleans(),
)
def test_twin_plane_is_found_in_both_crystals(base, off, plane, half):
    """Whatever their turn in the image, and after half a turn that spots do not show."""
    mirror = tuple(-np.array(plane) * [1, 1, -1])  # the member that is turned onto it
    first = oriented("Si", (1, 1, 0), plane, base)
    second = oriented("Si", (1, 1, 0), mirror, base + off + 180 * half)
    one, other = find_twin_planes(first, second)
    assert one in (plane, tuple(-np.array(plane)))
    normals = [
        crystal.orientation @ (np.array(hkl) @ crystal.crystal.reciprocal_base)
        for crystal, hkl in ((first, one), (second, other))
    ]
    sine = np.linalg.norm(np.cross(*normals)) / np.prod(np.linalg.norm(normals, axis=1))
    assert np.degrees(np.arcsin(sine)) == pytest.approx(abs(off), abs=1e-6)
    assert normals[0] @ normals[1] > 0


@pytest.mark.parametrize("turn", [0.0, 5.0, 90.0])
def test_grains_that_mirror_each_other_in_no_plane(turn):
    first = oriented("Si", (1, 1, 0), (1, -1, 1))
    assert find_twin_planes(first, oriented("Si", (1, 1, 0), (1, -1, 1), turn)) is None
    assert find_twin_planes(first, oriented("Si", (1, 1, 0), (1, -1, -1), 2.5)) is None
    assert find_twin_planes(oriented("Si", (0, 0, 1), (1, 0, 0)), first) is None


def test_half_a_turn_that_spots_do_not_show_counts_as_none():
    first = oriented("Si", (1, 1, 1), (1, -1, 0))
    second = oriented("Si", (1, 1, 1), (1, -1, 0), 180)
    assert misorientation(first, second)[0] == pytest.approx(0, abs=1e-4)


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.floats(-1e-9, 1e-9), st.sampled_from([0, 90, 180, -90]), st.floats(-180, 180))
def test_name_of_an_axis_does_not_hang_on_last_digits(last_digits, turn, base):
    """A twin, a domain of 90 degrees, and turns that the symmetry of the crystal hides."""
    first = oriented("Au", (1, 1, 0), (1, -1, 1), base)
    angle, axis = misorientation(first, oriented("Au", (1, 1, 0), (1, -1, -1), base + last_digits))
    assert angle == pytest.approx(60, abs=1e-6) and axis == (1, 1, 1)
    first = oriented("BaTiO3", (1, 0, 0), (0, 0, 1), base)
    other = oriented("BaTiO3", (1, 0, 0), (0, 1, 0), base + last_digits)
    assert misorientation(first, other) == (pytest.approx(90, abs=1e-6), (1, 0, 0))
    hidden = oriented("Au", (0, 0, 1), (1, 0, 0), base + turn + last_digits)
    known = oriented("Au", (0, 0, 1), (1, 0, 0), base)
    assert misorientation(known, hidden) == (pytest.approx(0, abs=1e-6), (0, 0, 1))


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_no_equivalent_rotation_is_smaller(seed):
    """Any two orientations, reduced by the groups of an independent library."""
    groups = {"Au": Rotation.create_group("O"), "Al2O3": Rotation.create_group("D3")}
    turns = Rotation.random(2, random_state=seed)
    half_turn = Rotation.from_rotvec([[0, 0, 0], [0, 0, np.pi]])
    for names in (("Au", "Au"), ("Au", "Al2O3"), ("Al2O3", "Al2O3")):
        pair = [
            replace(
                oriented(name, (0, 0, 1), (1, 1, 0)),
                orientation=turn.as_matrix() @ orix_frame(catalogue.get(name)),
            )
            for name, turn in zip(names, turns, strict=True)
        ]
        first, second = turns
        between = second.inv() * half_turn * first
        reduced = between.reduce(left=groups[names[1]], right=groups[names[0]])
        expected = float(np.degrees(reduced.magnitude().min()))
        assert misorientation(*pair)[0] == pytest.approx(expected, abs=1e-4)


@given(st.floats(-1e-12, 1e-12), st.floats(-180, 180))
def test_right_angles_have_one_sign(last_digits, base):
    angle = np.radians(base + np.array([0, 90 + last_digits, last_digits - 90]))
    one, *others = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for other in others:
        assert _degrees(one, other) == pytest.approx(90)
        assert _degrees(other, one) == pytest.approx(90)


@pytest.mark.parametrize("degrees", [3.0, 11.0, 29.0])
def test_turn_about_the_beam_is_the_misorientation(degrees):
    first = oriented("MoS2", (0, 0, 1), (1, 0, 0))
    angle, axis = misorientation(first, oriented("MoS2", (0, 0, 1), (1, 0, 0), degrees))
    assert angle == pytest.approx(degrees, abs=1e-4)
    assert tuple(map(abs, axis)) == (0, 0, 1)


def test_misorientation_of_different_symmetries():
    """Crystals with one common axis set: cubic and tetragonal cells side by side."""
    first = oriented("SrTiO3", (0, 0, 1), (1, 0, 0))
    assert misorientation(first, oriented("BaTiO3", (0, 0, 1), (1, 0, 0)))[0] == pytest.approx(
        0, abs=1e-4
    )
    # c of the tetragonal one in the image plane: the same for the cubic one.
    assert misorientation(first, oriented("BaTiO3", (1, 0, 0), (0, 0, 1)))[0] == pytest.approx(
        0, abs=1e-4
    )


@pytest.mark.parametrize(("name", "count"), [("Si", 3), ("Fe", 1), ("GaN", 0), ("Al2O3", 2)])
def test_centring(name, count):
    """F, I, P and R cells repeat themselves 3, 1, 0 and 2 times inside."""
    assert len(centring_translations(catalogue.get(name))) == count


@pytest.mark.parametrize(
    ("name", "hkl", "divided"),
    [("Si", (0, 0, 1), 2), ("Si", (0, 0, 4), 2), ("Si", (1, 1, 1), np.sqrt(3)),
     ("Si", (1, -1, 0), np.sqrt(8)), ("Fe", (1, 1, 0), np.sqrt(2)), ("Fe", (1, 0, 0), 2),
     ("SrTiO3", (1, 1, 0), np.sqrt(2))],
)  # fmt: skip
def test_spacings_of_cubic_planes(name, hkl, divided):
    crystal = catalogue.get(name)
    expected = crystal.lattice[0] / divided / ANGSTROM_PER_NM
    assert plane_spacing(crystal, hkl) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("first", "second", "multiples"),
    [(1.0, 1.001, (1, 1)), (1.0, 2.0, (2, 1)), (3.0, 2.0, (2, 3)), (0.3840, 0.3189, (5, 6))],
)
def test_coincidences(first, second, multiples):
    found, left = find_coincidence(first, second)
    assert found == multiples
    assert left == pytest.approx(multiples[1] * second / (multiples[0] * first) - 1)


@given(st.floats(0.1, 3.0), st.floats(0.1, 3.0))
def test_coincidence_is_never_worse_than_the_misfit(first, second):
    assert abs(find_coincidence(first, second)[1]) <= abs(second / first - 1) + 1e-12


@given(st.tuples(*[st.integers(-4, 4)] * 3).filter(any))
def test_directions_are_found_again(uvw):
    crystal = catalogue.get("ZrO2")
    uvw = np.array(uvw) // np.gcd.reduce(uvw)
    vector = uvw @ crystal.base @ orix_frame(crystal).T
    assert nearest_direction(crystal, vector) == tuple(uvw)


def test_neighbours_share_a_border_or_a_region():
    labels = np.array([[1, 1, 2], [1, 3, 2], [0, 3, 2], [4, 0, 0]])

    def regions(*numbers):
        pairs = find_adjacent(labels, [(number, 1) for number in numbers])
        return [(one[0], other[0]) for one, other in pairs]

    assert regions(1, 2, 3, 4) == [(1, 2), (1, 3), (2, 3)]
    assert regions(1, 2, 4) == [(1, 2)]
    assert regions(1, 4) == [(1, 4)]
    assert regions(1) == []
    several = find_adjacent(labels, [(1, 1), (1, 2), (4, 1)])
    assert several == [((1, 1), (1, 2)), ((1, 1), (4, 1)), ((1, 2), (4, 1))]
    assert find_adjacent(labels, [(1, 1), (2, 1), (2, 2), (4, 1)]) == [
        ((1, 1), (2, 1)), ((1, 1), (2, 2)), ((2, 1), (2, 2))
    ]  # fmt: skip


def test_wrong_angle_is_named():
    one = lattice(oriented("Si", (1, 1, 0), (0, 0, 1)))
    with pytest.raises(ValueError, match="must be positive"):
        find_parallel_planes(one, replace(one), largest_angle=0)


def test_table_of_relations():
    """Three regions in a row: two pairs with two rows each, and none for a lone region."""
    names = {1: "Si", 2: "Ge", 3: "Si"}
    lattices = {(n, 1): lattice(oriented(name, (1, 1, 0), (0, 0, 1))) for n, name in names.items()}
    columns = relate_crystals(lattices, [((1, 1), (2, 1)), ((2, 1), (3, 1))])
    assert columns["first"].tolist() == [1, 1, 2, 2]
    assert columns["phase_second"].tolist() == ["Ge", "Ge", "Si", "Si"]
    assert columns["plane_first"].shape == (4, 3)
    assert columns["misfit"][0] > 4 and columns["misfit"][2] < -4
    assert np.allclose(columns["misorientation"], 0, atol=1e-4)
    empty = relate_crystals(lattices, [])
    assert len(empty) == 0
    assert empty["axis"].shape == (0, 3)


def test_table_from_records():
    """Two regions side by side, indexed by their own reflections."""
    records, peaks = [], []
    for region, (name, degrees) in enumerate([("Si", 0.0), ("Ge", 1.5)], 1):
        crystal = oriented(name, (1, 1, 0), (0, 0, 1), degrees)
        hkl = find_zone_reflections(crystal.crystal, (1, 1, 0), 9.0).hkl
        position = crystal.reciprocal_vectors(hkl)
        error, count = np.full(position.shape, 1e-3), len(hkl)
        peaks.append(Peaks(position=position, error=error, intensity=np.ones(count), region=region))
        match = Match(
            crystal, 1.0, 0.001, np.eye(2), hkl, 1.0, 0.0, np.zeros(count, bool), 50.0, 0.0
        )
        records.append(RegionPhase(region, match, count, 0.9, 1.0, np.eye(2), "", (), (match,)))
    table = tabulate_epitaxy(records, peaks, np.array([[1, 2]]))
    assert table["first"].tolist() == [1, 1] and table["phase_second"].tolist() == ["Ge", "Ge"]
    assert np.allclose(table["angle"], 1.5, atol=1e-6) and table.units["misfit"] == "%"
    assert np.allclose(table["misorientation"], 1.5, atol=1e-4)
    assert np.allclose(table["measured_misfit"], table["misfit"])

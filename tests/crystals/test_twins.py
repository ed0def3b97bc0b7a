"""Crystals with their twins: laws, patterns of known truth, and what must not pass for a twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import OrientedCrystal, Peaks
from hyperspy_twin.crystals.diffraction import (
    edge_on_twins,
    find_twin_laws,
    find_zone_reflections,
    measure_misorientations,
    structure_factors,
    zone_frame,
)
from hyperspy_twin.crystals.indexing import accept_phase, index_peaks, index_regions
from hyperspy_twin.crystals.indexing.fault_streaks import find_fault_streaks
from hyperspy_twin.crystals.indexing.records import PhaseRecords
from hyperspy_twin.crystals.indexing.settings import USUAL
from hyperspy_twin.crystals.structures import catalogue

CANDIDATES = ["Si", "Ge", "Au", "Cu", "Fe", "MgO", "SrTiO3", "PbTiO3", "TiO2"]


def twinned(name, zone, plane, *, amount=0.6, angle=0.3, scale=1.0, noise=0.02, false=0, seed=0):
    """Spots of a crystal and of its mirror image in a plane that stands edge-on."""
    rng = np.random.default_rng(seed)
    crystal = catalogue.get(name)
    found = find_zone_reflections(crystal, zone, 8.0)
    frame = zone_frame(crystal, zone, found.vector[0])
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    spots = found.vector @ frame[:2].T @ turn.T
    normal = turn @ frame[:2] @ (np.array(plane) @ crystal.reciprocal_base)
    normal /= np.linalg.norm(normal)
    power = np.abs(structure_factors(crystal, found.hkl)) ** 2 * np.exp(-0.02 * found.length**2)
    mirrored = spots - 2 * np.outer(spots @ normal, normal)
    apart = np.linalg.norm(mirrored[:, None] - spots, axis=2).min(axis=1) > 0.05
    position = np.vstack([spots, mirrored[apart]])
    power = np.concatenate([power, amount * power[apart]])
    half = (position[:, 0] > 0) & (power > 2e-3 * power.max())
    position, power = scale * position[half], power[half]
    position = position + rng.normal(0, noise, position.shape)
    position = np.vstack([position, rng.uniform(-7, 7, (false, 2))])
    power = np.append(power, rng.uniform(0.01, 0.1, false) * power.max())
    return Peaks(position=position, error=np.full(position.shape, noise), intensity=power)


def identify(peaks, candidates=CANDIDATES):
    (record,) = index_regions([peaks], candidates)
    return record


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("Au", "Σ3 {111} twin"),
        ("Si", "Σ3 {111} twin"),
        ("GaAs", "Σ3 {111} twin"),
        ("Fe", "Σ3 {112} twin"),
        ("TiO2", "{101} twin"),
        ("PbTiO3", "{101} twin"),
        ("Ti", "{1 0 -1 2} twin"),
    ],
)
def test_usual_law_of_each_structure_is_first(name, law):
    """Kelly & Groves, Crystallography and Crystal Defects (2000), chapter 10."""
    assert find_twin_laws(catalogue.get(name))[0].name == law


@pytest.mark.parametrize("zone", [(0, 0, 1), (1, 1, 1), (1, 1, 2)])
def test_zones_that_a_twin_leaves_as_they_are_show_none(zone):
    laws, normals = edge_on_twins(catalogue.get("Au"), zone, 10.0)
    assert laws == () and len(normals) == 0


def test_no_law_is_a_symmetry_of_the_crystal():
    for name in ("Au", "Fe", "TiO2", "Ti"):
        crystal = catalogue.get(name)
        own = OrientedCrystal(crystal, (0, 0, 1), np.eye(3))
        twins = [law.twin_of(own) for law in find_twin_laws(crystal)]
        angles, _ = measure_misorientations([own] * len(twins), twins)
        assert (angles > 5).all()
        for law, twin in zip(find_twin_laws(crystal), twins, strict=True):
            plane = law.hkl @ crystal.reciprocal_base
            assert twin.orientation @ plane == pytest.approx(plane)
            assert np.linalg.det(twin.orientation) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "zone", "plane", "law"),
    [
        ("Au", (1, 1, 0), (1, -1, 1), "Σ3 {111} twin"),
        ("Si", (1, 1, 0), (1, -1, -1), "Σ3 {111} twin"),
        ("Fe", (1, 1, 0), (1, -1, 2), "Σ3 {112} twin"),
        # Not among what the numbers were chosen by.
        ("PbTiO3", (0, 1, 0), (1, 0, 1), "{101} twin"),
        ("TiO2", (0, 1, 0), (1, 0, -1), "{101} twin"),
    ],
)
def test_twin_is_named_with_its_plane(name, zone, plane, law):
    record = identify(twinned(name, zone, plane))
    assert (record.phase, record.zone_axis) == (name, zone)
    assert record.twin_law.name == law and f"its {law} about" in record.reason
    (twin,) = record.further
    assert twin.phase == name and twin.twin_law == record.twin_law
    assert (twin.scale, twin.probability) == (record.scale, record.probability)
    assert record.scale == pytest.approx(1, abs=0.003) and record.probability > 0.9
    # Which of the two is the first crystal is open; their common plane is that of the truth.
    crystal, normal = record.match.crystal, None
    frame = zone_frame(crystal, zone, find_zone_reflections(crystal, zone, 8.0).vector[0])
    normal = frame[:2] @ (np.array(plane) @ crystal.reciprocal_base)
    c, s = np.cos(0.3), np.sin(0.3)
    normal = np.array([[c, -s], [s, c]]) @ normal
    shown = record.match.oriented.reciprocal_vectors(record.twin_law.hkl)
    sine = (normal[0] * shown[1] - normal[1] * shown[0]) / np.linalg.norm(normal)
    assert abs(sine / np.linalg.norm(shown)) < 0.01
    assert record.used.mean() > 0.9


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    angle=st.floats(-1.5, 1.5),
    scale=st.floats(0.93, 1.09),
    amount=st.floats(0.2, 1.0),
    false=st.integers(0, 2),
    seed=st.integers(0, 100),
)
def test_twins_of_gold_at_any_orientation_and_scale(angle, scale, amount, false, seed):
    pattern = dict(angle=angle, scale=scale, amount=amount, false=false, seed=seed)
    record = identify(twinned("Au", (1, 1, 0), (1, -1, 1), **pattern), ["Au"])
    assert record.phase == "Au" and record.twin_law.name == "Σ3 {111} twin"
    assert record.scale == pytest.approx(scale, rel=0.006)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(["Au", "Si", "Fe", "SrTiO3", "TiO2"]),
    angle=st.floats(-1.5, 1.5),
    false=st.integers(0, 4),
    seed=st.integers(0, 100),
)
def test_single_crystals_have_no_twin(make_pattern, name, angle, false, seed):
    pattern = make_pattern(
        name, (1, 1, 0), angle, missing=0.2, false=false, noise=0.03, seed=seed, g_max=9.0
    )
    record = identify(pattern.peaks)
    assert record.twin_law is None and all(one.twin_law is None for one in record.further)


def test_superlattice_of_thirds_is_no_twin(make_pattern):
    """Peaks at a third of {422} along [111] of face-centred cubic foils, of weak intensity."""
    pattern = make_pattern("Au", (1, 1, 1), noise=0.01, both=True, g_max=9.0)
    first = pattern.spots[np.argsort(np.linalg.norm(pattern.spots, axis=1))[:6]]
    thirds = (first[:, None] + first).reshape(-1, 2)
    length = np.linalg.norm(thirds, axis=1)
    near = np.abs(length / np.linalg.norm(first[0]) - np.sqrt(3)) < 0.05
    assert near.sum() >= 6
    weak = np.full(near.sum(), 0.02 * pattern.intensity.max())
    spots = np.vstack([pattern.spots, thirds[near] / 3])
    peaks = Peaks(spots, np.full(spots.shape, 0.01), np.append(pattern.intensity, weak))
    assert identify(peaks).twin_law is None


@pytest.mark.parametrize("turned", [0.25, 0.4, 0.9])
def test_unrelated_grains_are_no_twins(make_pattern, turned):
    first = make_pattern("Au", (1, 1, 0), 0.3, noise=0.01)
    second = make_pattern("Au", (1, 1, 0), 0.3 + turned, noise=0.01, seed=7)
    spots = np.vstack([first.spots, second.spots])
    power = np.concatenate([first.intensity, 0.6 * second.intensity])
    record = identify(Peaks(spots, np.full(spots.shape, 0.01), power), ["Si", "Cu", "Au"])
    assert record.phase == "Au" and len(record.further) == 1
    assert record.twin_law is None and record.further[0].twin_law is None


def test_thin_lamellae_streak_what_the_two_do_not_share():
    """Split along the normal: as a particle of gold on a real image shows it."""
    normal = np.array([0.6, 0.8])
    common, length = 4.25 * normal, 4.25
    both = []
    for sign in (1, -1):
        angle = np.radians(sign * 70.53)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        both.append(turn @ normal * length)
    spots = np.array(
        [common, 2 * common, *(one + k * normal for one in both for k in (0.16, -0.17))]
    )
    power = np.array([100.0, 2.0, 15.0, 14.0, 9.0, 7.0])
    record = identify(Peaks(spots, np.full(spots.shape, 0.1), power), ["Au"])
    assert record.phase == "Au" and record.twin_law.name == "Σ3 {111} twin"
    assert record.match.twin.streaked.sum() == 2 and "streaks" in record.reason
    assert record.used.all()


def test_tables_name_the_twin_and_a_person_may_accept_it():
    peaks = twinned("Au", (1, 1, 0), (1, -1, 1))
    records = PhaseRecords([identify(peaks, ["Au", "Cu"])])
    assert "Au [-1 -1 0], Σ3 {111} twin" in repr(records)
    assert "and Au [-1 -1 0], Σ3 {111} twin>" in repr(records[0])
    options = {"candidates": [catalogue.get("Au"), catalogue.get("Cu")], "settings": USUAL}
    (decided,) = accept_phase(records, [peaks], 0, "Au", **options)
    assert len(decided.further) == 1 and decided.twin_law == records[0].twin_law
    (other,) = accept_phase(records, [peaks], 0, "Cu", **options)
    assert all(one.phase == "Cu" for one in other.crystals)


def test_streaks_of_a_planar_fault_belong_to_the_crystal(make_pattern):
    """Side lobes along the normal of (1 -1 1), weak as they are, made the crystal unexplained."""
    pattern = make_pattern("Au", (1, 1, 0), 0.3, noise=0.01, g_max=6.0)
    random = np.random.default_rng(3)
    normal = pattern.orientation[:2] @ np.array([1, -1, 1]) / np.sqrt(3)
    across = pattern.spots @ [-normal[1], normal[0]]
    owners = pattern.spots[np.abs(across) > 1.0]
    lobes = owners[random.integers(len(owners), size=12)]
    lobes = lobes + random.uniform(0.3, 4.0, (12, 1)) * normal + random.normal(0, 0.03, (12, 2))
    anywhere = random.uniform(-6.0, 6.0, (12, 2))
    for extra, streaked in ((lobes, True), (anywhere, False)):
        spots = np.vstack([pattern.spots, extra])
        error = np.full(spots.shape, 0.01)
        error[len(pattern.spots) :] = 0.04
        power = np.append(pattern.intensity, np.full(12, 0.004 * pattern.intensity.max()))
        peaks = Peaks(spots, error, power)
        (match, *_) = index_peaks(peaks, ["Au"])
        taken = match.hkl.any(axis=1)
        found = find_fault_streaks(peaks, match, taken)
        if not streaked:
            assert found is None
            continue
        assert np.abs(found.plane).tolist() == [1, 1, 1]
        assert (found.peaks == ~taken).mean() > 0.9
        record = identify(peaks, ["Au"])
        assert record.phase == "Au" and "as planar faults make them" in record.reason

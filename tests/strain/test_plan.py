"""Automatic choice of vectors, resolution and reference, and the plan that they make."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Crystal, Grid, OrientedCrystal, Peaks
from hyperspy_twin.strain import RegionLattice, plan_analysis
from hyperspy_twin.strain.plan import DEFAULT_SEPARATION, nearest_reflection
from hyperspy_twin.strain.reference import reference_mask, score_references
from hyperspy_twin.strain.vectors import choose_vectors, shares_lattice

# Reflections of a diamond lattice along [110], a = 0.55 nm.
DIAMOND = np.array(
    [[2.57, 1.82], [-2.57, 1.82], [0.0, 7.27], [5.14, 0.0], [2.57, 5.45], [-2.57, 5.45]]
)
INTENSITY = np.array([1.0, 1.0, 0.3, 0.4, 0.1, 0.1])


def peaks_at(position, intensity=None, snr=100.0, lattice=1):
    position = np.reshape(position, (-1, 2))
    count = len(position)
    return Peaks(
        position=position,
        error=np.full((count, 2), 1e-3),
        intensity=np.ones(count) if intensity is None else np.asarray(intensity, float),
        snr=np.broadcast_to(snr, count),
        lattice=np.full(count, lattice),
    )


def choose_reference(*arguments, **keywords):
    scores = score_references(*arguments, **keywords)
    return scores.best(scores.region)


def as_set(vectors):
    return {tuple(np.round(vector, 3)) for vector in vectors}


def test_strong_long_and_perpendicular_vectors_win():
    assert as_set(choose_vectors(peaks_at(DIAMOND, INTENSITY))) == {
        (0.0, 7.27),
        (5.14, 0.0),
    }


def test_choice_is_the_pair_with_the_smallest_variance():
    rng = np.random.default_rng(3)
    for _ in range(20):
        spots, intensity = rng.normal(0, 3, (6, 2)), rng.uniform(0.2, 1.0, 6)
        spots *= 4.0 / np.linalg.norm(spots, axis=1, keepdims=True)
        found = choose_vectors(peaks_at(spots, intensity, 50.0))

        def variance(i, j, spots=spots, intensity=intensity):
            inverse = np.linalg.inv(spots[[i, j]])
            return np.trace(inverse @ np.diag(1 / intensity[[i, j]]) @ inverse.T)

        index = [int(np.argmin(np.abs(np.abs(spots @ vector) / 16.0 - 1.0))) for vector in found]
        least = min(variance(i, j) for i in range(6) for j in range(i))
        assert variance(*index) == pytest.approx(least)


def test_noise_and_opposites_are_left_out():
    spots = np.concatenate([DIAMOND, -DIAMOND, [[0.0, 1.0]]])
    intensity = np.concatenate([INTENSITY, INTENSITY, [50.0]])
    snr = np.concatenate([np.full(12, 100.0), [2.0]])
    found = choose_vectors(peaks_at(spots, intensity, snr))
    assert as_set(found) == {(0.0, 7.27), (5.14, 0.0)}
    assert (found[:, 0] >= 0).all()


def test_high_orders_are_left_out():
    spots = np.array([[1.0, 0.0], [0.0, 1.0], [9.0, 0.0], [0.0, 9.0]])
    assert as_set(choose_vectors(peaks_at(spots, snr=50.0))) == {(1, 0), (0, 1)}


def test_vectors_that_all_regions_share_are_preferred():
    # The second region, 4 % larger, lacks the 004 reflection.
    other = DIAMOND[[0, 1, 3]] / 1.04
    found = choose_vectors(peaks_at(DIAMOND, INTENSITY), [peaks_at(DIAMOND), peaks_at(-other)])
    assert (0.0, 7.27) not in as_set(found)
    alone = choose_vectors(peaks_at(DIAMOND, INTENSITY), [peaks_at(np.zeros((0, 2)))])
    assert (0.0, 7.27) in as_set(alone)


@pytest.mark.parametrize(
    "spots", [np.zeros((0, 2)), [[1.0, 0.0]], [[1.0, 0.0], [2.0, 0.0]], [[1.0, 0.0], [-1.0, 0.05]]]
)
def test_a_lattice_needs_two_directions(spots):
    with pytest.raises(ValueError, match="different directions"):
        choose_vectors(peaks_at(spots, snr=50.0))


def test_resolution_is_set_by_the_nearest_reflection():
    vectors = DIAMOND[[2, 3]]
    nearest = np.hypot(2.57, 1.82)
    assert nearest_reflection(vectors, peaks_at(DIAMOND)) == pytest.approx(nearest, rel=0.01)
    # Without a table of peaks, the centre and the other vectors remain.
    assert nearest_reflection(vectors, peaks_at(np.zeros((0, 2)))) == pytest.approx(5.14)


def layers():
    labels = np.zeros((100, 80), int)
    labels[20:40], labels[40:60], labels[60:] = 1, 2, 3
    return labels


def test_reference_is_the_largest_good_crystal():
    labels = layers()
    assert choose_reference(labels, {1: 1.0, 2: 1.0, 3: 1.0}, 4) == 3
    assert choose_reference(labels, {1: 0.9, 2: 1.0, 3: 0.0}, 4) == 2
    assert choose_reference(labels, {1: 0.9, 2: 0.2}, 4) == 1


def test_substrate_that_leaves_the_image_outweighs_what_stands_on_it():
    labels = np.ones((70, 60), int)
    labels[:45], labels[5:45, 20:45] = 0, 2
    assert choose_reference(labels, {1: 1.0, 2: 1.0}, 2) == 1
    labels[45:] = 0
    assert choose_reference(labels, {2: 1.0}, 2) == 2


def test_of_equal_regions_the_lowest_is_taken():
    assert choose_reference(layers(), {1: 1.0, 2: 1.0}, 4) == 2


def test_regions_of_one_lattice_count_together():
    """Two barriers of 16 rows each outweigh a well of 38 rows whose lattice is longer along y."""
    labels = np.repeat([1, 2, 3], [16, 38, 16])[:, None] * np.ones((1, 40), int)
    stretched = DIAMOND / [1.0, 1.02]
    peaks = {1: peaks_at(DIAMOND * 1.001), 2: peaks_at(stretched), 3: peaks_at(-DIAMOND)}
    quality = {1: 1.0, 2: 1.0, 3: 1.0}
    assert choose_reference(labels, quality, 1) == 2
    assert choose_reference(labels, quality, 1, peaks) == 3


def test_reference_must_be_crystalline():
    for quality in ({}, {1: 0.0, 2: float("nan")}):
        with pytest.raises(ValueError, match="no region is crystalline"):
            choose_reference(layers(), quality, 1)


def test_thin_region_keeps_its_core():
    mask = reference_mask(layers(), 1, 1000)
    thickness = np.count_nonzero(layers()[:, 0] == 1)
    assert 0 < mask.any(axis=1).sum() < 0.6 * thickness
    assert choose_reference(layers(), {1: 1.0}, 1000) == 1


def test_reference_mask_keeps_its_distance():
    mask = reference_mask(layers(), 3, 5)
    rows, columns = np.nonzero(mask)
    # Of the 35 rows that are far from the border of the image, those far from the interface.
    assert (rows.min(), rows.max()) == (77, 94)
    assert (columns.min(), columns.max()) == (5, 74)
    assert mask.sum() == 18 * 70
    # At least twice the margin stays.
    rows, _ = np.nonzero(reference_mask(layers(), 3, 12))
    assert (rows.min(), rows.max()) == (70, 89)


def test_reference_mask_errors():
    with pytest.raises(ValueError, match="no region 9"):
        reference_mask(layers(), 9, 5)


GRID = Grid((100, 80), (0.05, 0.05))


def region(position, *, crystallinity="single crystal", has_lattice=True, **known):
    return RegionLattice(peaks_at(position, **known), crystallinity, has_lattice)


def indexed(position, explained, **known):
    """Region whose phase explains all peaks but the last."""
    peaks = peaks_at(position, **known)
    which = np.arange(len(peaks)) < len(peaks) - 1
    return RegionLattice(peaks, "single crystal", True, which, explained)


def test_plan_of_crystals_without_phases():
    regions = {1: region(DIAMOND), 2: region(DIAMOND / 1.04), 3: region(DIAMOND)}
    plan = plan_analysis(regions, layers(), GRID)
    assert plan.reference == 3
    assert as_set(np.abs(plan.vectors)) == as_set(np.abs(DIAMOND))
    neighbour = nearest_reflection(plan.vectors[:2], peaks_at(DIAMOND))
    assert plan.resolution == DEFAULT_SEPARATION / neighbour
    margin = 2.5 * plan.resolution / 0.05
    np.testing.assert_array_equal(plan.reference_mask, reference_mask(layers(), 3, margin))
    np.testing.assert_array_equal(plan.labels, layers())


def test_plan_takes_what_is_given():
    vectors = [[0.0, 7.27], [5.14, 0.0]]
    regions = {n: region(DIAMOND) for n in (1, 2, 3)}
    plan = plan_analysis(regions, layers(), GRID, reference=1, vectors=vectors, resolution=0.3)
    assert (plan.reference, plan.resolution) == (1, 0.3)
    np.testing.assert_array_equal(plan.vectors, vectors)


def test_reference_has_a_phase_where_phases_are_known():
    """The largest region has no phase; it is compared all the same if it is a single lattice."""
    for lattice, compared in ((1, True), (2, False)):
        regions = {
            1: indexed(DIAMOND, 0.9),
            2: indexed(DIAMOND, 0.2),
            3: region(DIAMOND, lattice=lattice),
        }
        plan = plan_analysis(regions, layers(), GRID)
        assert plan.reference == 1
        assert (3 in plan.labels) == compared


def test_peaks_that_no_phase_explains_are_no_vectors():
    strange = np.concatenate([DIAMOND, [[6.0, 1.0]]])
    intensity = np.append(INTENSITY, 1e3)
    plan = plan_analysis({3: indexed(strange, 1.0, intensity=intensity)}, layers(), GRID)
    assert as_set(plan.vectors[: plan.required]) == {(0.0, 7.27), (5.14, 0.0)}
    assert (6.0, 1.0) not in as_set(plan.vectors)


def test_all_that_the_regions_share_is_used():
    """The second region, 2 % larger, lacks (2.57, 5.45); of the third only the pair is sure."""
    regions = {1: region(DIAMOND), 2: region(DIAMOND[[0, 1, 2, 3, 5]] / 1.02)}
    plan = plan_analysis(regions, layers(), GRID, reference=1)
    assert len(plan.vectors) == 5 and plan.required == 2
    assert (2.57, 5.45) not in as_set(plan.vectors)
    weak = region(DIAMOND, intensity=INTENSITY, snr=np.array([50.0, 50.0, 90.0, 90.0, 0.2, 0.3]))
    assert len(plan_analysis({1: weak}, layers(), GRID).vectors) == 4


def test_reflections_are_chosen_by_their_indices():
    hkl = np.array([[1, -1, 1], [-1, 1, 1], [0, 0, 4], [2, -2, 0], [1, -1, 3], [-1, 1, 3]])
    peaks = peaks_at(DIAMOND, INTENSITY)
    known = RegionLattice(peaks, "single crystal", True, np.ones(6, bool), 1.0, hkl)
    regions = {1: known, 2: region(DIAMOND)}
    plan = plan_analysis(regions, layers(), GRID, reflections=[(-2, 2, 0), (0, 0, 4)])
    np.testing.assert_array_equal(plan.vectors, [-DIAMOND[3], DIAMOND[2]])
    assert plan.required == 2
    for wrong, message in (
        ([(2, 2, 0), (0, 0, 4)], r"shows no reflection \(2 2 0\): it shows \(1 -1 1\), "),
        ([(0.5, 0, 4), (0, 0, 4)], "whole numbers"),
        ((2, -2, 0), "whole numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            plan_analysis(regions, layers(), GRID, reflections=wrong)
    with pytest.raises(ValueError, match="not both"):
        plan_analysis(regions, layers(), GRID, reflections=[(0, 0, 4)], vectors=DIAMOND)
    with pytest.raises(ValueError, match="index_phases"):
        plan_analysis({1: region(DIAMOND)}, layers(), GRID, reflections=[(0, 0, 4)])


def test_regions_with_other_peaks_are_not_compared():
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    regions = {1: region(DIAMOND), 2: region(DIAMOND @ turn), 3: region(DIAMOND)}
    plan = plan_analysis(regions, layers(), GRID, reference=3)
    assert set(np.unique(plan.labels)) == {0, 1, 3}


def test_plan_needs_a_lattice():
    nothing = np.zeros((0, 2))
    regions = {
        1: region(nothing, crystallinity="no lattice seen", has_lattice=False),
        2: region(nothing, crystallinity="too small", has_lattice=False),
    }
    expected = "no region has a lattice: region 1: no lattice seen; region 2: too small"
    with pytest.raises(ValueError, match=expected):
        plan_analysis(regions, layers(), GRID)
    with pytest.raises(ValueError, match=r"region 1 cannot be the reference: .* \[3\]"):
        plan_analysis({**regions, 3: region(DIAMOND)}, layers(), GRID, reference=1)


def turned(vectors, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray(vectors) @ np.array([[c, s], [-s, c]])


@pytest.mark.parametrize("degrees", [15.0, 25.0, 40.0])
def test_a_grain_that_is_turned_away_shares_no_lattice(degrees):
    own, grain = peaks_at(DIAMOND, INTENSITY), peaks_at(turned(DIAMOND, degrees), INTENSITY)
    assert not shares_lattice(own, grain)
    assert shares_lattice(own, peaks_at(turned(DIAMOND, 3.0) / 1.04, INTENSITY))
    regions = {3: RegionLattice(own, "single crystal", True), 2: RegionLattice(grain, "", True)}
    plan = plan_analysis(regions, layers(), GRID)
    assert plan.reference == 3
    assert as_set(plan.vectors[:2]) == {(0.0, 7.27), (5.14, 0.0)}
    assert plan.choices.compared == (3,)


def silicon(stretch_y=1.0):
    """Region of silicon seen along [110], stretched along y."""
    hkl = np.array([[1, -1, 1], [-1, 1, 1], [2, -2, 0], [0, 0, 4], [1, -1, 3]])
    crystal = Crystal("Si", (5.431,) * 3 + (90.0,) * 3, ("Si",), ((0.0,) * 3,), (1.0,))
    rotation = np.array([[1, -1, 0], [0, 0, -np.sqrt(2)], [1, 1, 0]]) / np.sqrt(2)
    oriented = OrientedCrystal(crystal, (1, 1, 0), rotation)
    position = oriented.reciprocal_vectors(hkl) * 1.02 / np.array([1.0, stretch_y])
    return RegionLattice(
        peaks_at(position), "single crystal", True, np.ones(5, bool), 1.0, hkl, oriented
    )


def test_of_two_large_regions_the_unstrained_one_is_the_reference():
    labels = np.repeat([1, 2], 50)[:, None] * np.ones((100, 80), int)
    for first, second, expected in ((1.0, 1.02, 1), (0.98, 1.0, 2), (1.0, 1.002, 2)):
        regions = {1: silicon(first), 2: silicon(second)}
        assert regions[1].distortion == pytest.approx(abs(first - 1.0), rel=0.05, abs=1e-9)
        plan = plan_analysis(regions, labels, GRID)
        assert plan.reference == expected
    # A thin layer is not taken for that.
    labels = np.where(np.arange(100) < 4, 1, 2)[:, None] * np.ones((100, 80), int)
    assert plan_analysis({1: silicon(), 2: silicon(1.02)}, labels, GRID).reference == 2


def test_reference_by_name_and_by_area():
    labels = np.repeat([1, 2], 50)[:, None] * np.ones((100, 80), int)
    regions = {1: silicon(), 2: RegionLattice(peaks_at(DIAMOND), "single crystal", True)}
    area = np.zeros((100, 80), bool)
    area[5:30, 10:60] = True
    for given in ("Si", 1, area, None, "substrate"):
        assert plan_analysis(regions, labels, GRID, reference=given).reference == 1
    plan = plan_analysis(regions, labels, GRID, reference=area)
    np.testing.assert_array_equal(plan.reference_mask, area)
    empty = np.zeros(labels.shape, bool)
    for given, said in (("Ge", "of phase 'Ge'"), (2, "region 2 cannot"), (empty, "the area")):
        with pytest.raises(ValueError, match=said):
            plan_analysis(regions, labels, GRID, reference=given)


def test_choices_tell_what_is_used_and_why_not():
    other = DIAMOND[[0, 1, 3]] / 1.04
    regions = {
        3: RegionLattice(peaks_at(DIAMOND, INTENSITY), "single crystal", True),
        2: RegionLattice(peaks_at(other), "single crystal", True),
    }
    plan = plan_analysis(regions, layers(), GRID)
    found = plan.choices.reflections
    used = found.position[np.array(found.verdict) == "used"]
    assert as_set(used) == as_set(plan.vectors)
    missing = np.array(found.verdict) == "not in region 2"
    assert (0.0, 7.27) in as_set(found.position[missing])
    assert found.information.sum() == pytest.approx(1.0)
    assert plan.choices.regions.region.tolist() == [3, 2]
    given = plan_analysis(regions, layers(), GRID, vectors=DIAMOND[:2]).choices.reflections
    assert given.verdict == ("given", "given")

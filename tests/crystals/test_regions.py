from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hyperspy_twin.crystals.indexing.records import PhaseRecords
from hyperspy_twin.crystals.indexing.region_indexing import index_regions
from hyperspy_twin.crystals.indexing.settings import IndexingSettings
from hyperspy_twin.crystals.structures import catalogue

SEVEN = ["Si", "Ge", "GaAs", "InP", "SrTiO3", "Au", "CuTe"]


def test_clear_case(make_pattern, identify):
    pattern = make_pattern("SrTiO3", (1, 1, 0), scale=0.99, noise=0.01, false=2)
    verdict = identify(pattern.peaks, SEVEN)
    assert (verdict.phase, verdict.zone_axis, verdict.ties) == ("SrTiO3", (1, 1, 0), ())
    assert verdict.scale == pytest.approx(0.99, abs=2e-3)
    assert "SrTiO3 [110] explains" in verdict.reason
    assert [match.phase for match in verdict.ranking][0] == "SrTiO3"
    assert len({match.phase for match in verdict.ranking}) == len(verdict.ranking)


def test_tie_is_named(make_pattern, peaks_of, identify):
    pattern = make_pattern("Si", (1, 1, 0))
    pixels = peaks_of(pattern.spots * 0.009, pattern.error * 0.009, pattern.intensity)
    verdict = identify(pixels, SEVEN, calibrated=False)
    assert verdict.phase == "Si" and "Ge" in verdict.ties
    assert "tie: Si = Ge" in verdict.reason and "without a pixel size" in verdict.reason


def test_wrong_pixel_size_is_said(make_pattern, identify):
    verdict = identify(make_pattern("Au", (1, 1, 0), scale=1.08).peaks, ["Au"])
    assert verdict.phase == "Au" and "pixel size is wrong by +8.0%" in verdict.reason


def test_structure_out_of_the_list_is_refused(make_pattern, identify):
    """No candidate has a rectangle of this shape anywhere near this size."""
    pattern = make_pattern("graphite", (1, 0, 0), noise=0.01, g_max=14.0)
    verdict = identify(pattern.peaks, ["Au", "Cu", "Fe"])
    assert verdict.phase is None and "none of these" in verdict.reason
    assert verdict.zone_axis is None and np.isnan(verdict.scale)
    assert not verdict.hkl.any() and verdict.orientation is None


@pytest.mark.parametrize("calibrated", [True, False])
def test_random_spots_are_refused(calibrated, peaks_of, identify):
    rng = np.random.default_rng(1)
    for count in range(3, 15):
        spots = rng.uniform(-9, 9, (count, 2))
        power = np.exp(rng.normal(0, 1.5, count))
        verdict = identify(peaks_of(spots, 0.02, power), SEVEN, calibrated=calibrated)
        assert verdict.phase is None


def test_too_few_spots(peaks_of, identify):
    for spots in (np.zeros((0, 2)), [[3.0, 0.0]], [[3.0, 1.0], [6.0, 2.0]]):
        verdict = identify(peaks_of(spots, 0.01, np.ones(len(spots))), SEVEN)
        assert verdict.phase is None and verdict.reason.startswith("too few peaks")
        assert verdict.ranking == () and len(verdict.hkl) == len(spots)


def test_one_scale_for_all_regions(make_pattern, peaks_of, identify):
    """Without a pixel size silicon is a tie, unless the regions beside it settle the scale."""
    silicon, titanate = make_pattern("Si", (1, 1, 0)), make_pattern("SrTiO3", (1, 1, 0), seed=4)
    scaled = [peaks_of(p.spots * 0.01, p.error * 0.01, p.intensity) for p in (silicon, titanate)]
    alone = identify(scaled[0], ["Ge", "Si", "SrTiO3"], calibrated=False)
    assert {alone.phase, *alone.ties} == {"Ge", "Si"}
    first, second = index_regions(
        scaled, ["Ge", "Si", "SrTiO3"], IndexingSettings(calibrated=False)
    )
    assert (first.phase, second.phase) == ("Si", "SrTiO3")
    assert first.scale == second.scale == pytest.approx(0.01, rel=2e-3)


def test_ranking_falls_without_a_pixel_size(make_pattern, peaks_of):
    """Zones are searched twice there: alone, and at the scale of all regions."""
    pixels = [
        peaks_of(p.spots * 0.01, p.error * 0.01, p.intensity)
        for p in (make_pattern("graphite", (0, 0, 1), seed=n, noise=0.01) for n in range(2))
    ]
    settings = IndexingSettings(calibrated=False)
    for verdict in index_regions(pixels, ["diamond", "graphene", "graphite"], settings):
        scores = [match.score for match in verdict.ranking]
        assert scores[1:] == sorted(scores[1:], reverse=True)
        assert scores[0] > scores[1] - 0.2  # equals stay in the order of the list


def test_two_alike_regions_do_not_break_their_tie(make_pattern, peaks_of):
    pattern = make_pattern("Ge", (1, 1, 0))
    scaled = peaks_of(pattern.spots * 0.01, pattern.error * 0.01, pattern.intensity)
    settings = IndexingSettings(calibrated=False)
    for verdict in index_regions([scaled, scaled], ["Si", "Ge"], settings):
        assert {verdict.phase, *verdict.ties} == {"Si", "Ge"}


def test_empty_region_beside_a_full_one(make_pattern, peaks_of):
    nothing = peaks_of(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))
    pattern = make_pattern("Au", (1, 1, 0))
    full, empty = index_regions([pattern.peaks, nothing], SEVEN)
    assert full.phase == "Au" and empty.phase is None
    assert index_regions([], SEVEN) == []


def test_regions_keep_their_numbers_and_those_without_a_lattice_say_why(make_pattern):
    pattern = make_pattern("Au", (1, 1, 0))
    gold, glass = (replace(pattern.peaks, region=number) for number in (7, 3))
    first, second = index_regions(
        [gold, glass], ["Au"], not_crystalline={3: "amorphous: the halo of a glass"}
    )
    assert (first.region, second.region) == (7, 3)
    assert "Au [110]" in first.reason and second.reason == "amorphous: the halo of a glass"
    records = PhaseRecords([first, second])
    assert [record.region for record in records] == [3, 7] and len(records) == 2
    assert records[7] is first and 3 in records and 1 not in records
    assert repr(records).splitlines()[1].split()[0] == "3" and "<td>7</td>" in records._repr_html_()
    with pytest.raises(KeyError, match="regions with one are 3, 7"):
        records[1]
    assert not PhaseRecords()


@pytest.mark.parametrize(
    ("file", "pixel", "phase", "zone", "scale"),
    [
        ("STO_ADF.hspy", 0.009326, "SrTiO3", (1, 1, 0), 1.0),
        ("16_STOimage_1.ser", 0.010013, "SrTiO3", (0, 0, 1), 0.965),
        ("Si110_5nmX25us_03_none_none.png", None, "Si", (1, 1, 0), 0.00894),
    ],
)
def test_real_images(shared_file, file, pixel, phase, zone, scale, identify):
    from rsciio import hspy, image, tia

    from hyperspy_twin.core import Grid
    from hyperspy_twin.spectra import find_region_peaks

    reader = {"hspy": hspy, "ser": tia, "png": image}[file.rsplit(".", 1)[1]]
    data = np.asarray(reader.file_reader(str(shared_file(f"data/{file}")))[0]["data"])
    if data.dtype.names:
        data = data[data.dtype.names[0]]
    grid = Grid(data.shape, (pixel or 1.0,) * 2)
    mask = np.ones(data.shape, bool)
    peaks = find_region_peaks(data.astype(float), grid, mask).peaks
    verdict = identify(peaks, SEVEN, calibrated=pixel is not None)
    assert (verdict.phase, verdict.zone_axis) == (phase, zone)
    assert verdict.scale == pytest.approx(scale, rel=5e-3)
    assert ("Ge" in verdict.ties) == (pixel is None)


@pytest.fixture(scope="module")
def two_crystals(make_pattern, peaks_of):
    """Peaks of two crystals in one region."""

    def make(angle, both=("Au", "Au"), false=1):
        first = make_pattern(both[0], (1, 1, 0), noise=0.01, false=false)
        second = make_pattern(both[1], (1, 1, 0), angle=0.3 + angle, noise=0.01, seed=7)
        spots = np.vstack([first.spots, second.spots])
        power = np.concatenate([first.intensity, 0.6 * second.intensity])
        return peaks_of(spots, 0.01, power), len(first.spots), second.orientation

    return make


def test_two_crystals_of_one_region(two_crystals, identify):
    region, count, orientation = two_crystals(0.4)
    verdict = identify(region, ["Si", "Cu", "Au"])
    assert verdict.phase == "Au" and len(verdict.further) == 1
    (other,) = verdict.further
    assert other.phase == "Au" and other.zone_axis == (1, 1, 0) and other.probability > 0.5
    first, second = verdict.hkl.any(axis=1), other.hkl.any(axis=1)
    found = {first[:count].mean() > 0.7, first[count:].mean() > 0.7}
    assert found == {True, False} and (first | second).mean() > 0.9
    turned = np.stack([orientation, np.diag([-1, -1, 1]) @ orientation])
    if first[:count].mean() > 0.7:
        image = other.hkl[count:] @ np.linalg.inv(other.ranking[0].crystal.base).T * 10
        shown = image @ other.orientation[:2].T
        assert np.abs(shown - region.position[count:])[second[count:]].max() < 0.1
        assert len(turned) == 2
    assert verdict.crystals == (verdict, other)


def test_two_phases_of_one_region(two_crystals, identify):
    region, _, _ = two_crystals(0.9, ("Au", "Si"))
    verdict = identify(region, ["Si", "Cu", "Au", "MgO"])
    assert {verdict.phase, *(one.phase for one in verdict.further)} == {"Au", "Si"}


def test_one_crystal_has_no_further_ones(make_pattern, identify):
    for seed in range(8):
        pattern = make_pattern("Si", (1, 1, 2), noise=0.02, missing=0.2, false=4, seed=seed)
        assert identify(pattern.peaks, SEVEN).further == ()


def test_probabilities_are_of_all_that_is_weighed(make_pattern, identify):
    pattern = make_pattern("Si", (1, 1, 0), noise=0.02)
    verdict = identify(pattern.peaks, SEVEN, calibration_error=0.005)
    assert 0.9 < verdict.probability <= 1
    assert sum(match.probability for match in verdict.ranking) <= 1 + 1e-9
    unlisted = identify(make_pattern("graphite", (1, 0, 0), g_max=14.0).peaks, ["Au", "Cu", "Fe"])
    assert unlisted.phase is None and unlisted.probability > 0.5


def test_crystal_of_the_same_type_is_refused_where_the_pixel_size_is_known(make_pattern, identify):
    """Palladium is to copper what a pixel size 7 % wrong would make of it."""
    pattern = make_pattern("Pd", (1, 1, 0), noise=0.01)
    unsure = identify(pattern.peaks, ["Cu", "Si"])
    sure = identify(pattern.peaks, ["Cu", "Si"], calibration_error=0.005)
    assert sure.phase is None and "none of these" in sure.reason
    assert sure.probability > 0.98 > unsure.probability
    assert (
        identify(make_pattern("Cu", (1, 1, 0)).peaks, ["Cu"], calibration_error=0.005).phase == "Cu"
    )
    with pytest.raises(ValueError, match="calibration_error is a relative error"):
        identify(pattern.peaks, ["Cu"], calibration_error=2.0)


def test_one_distortion_for_all_regions(make_pattern):
    """Each region alone may be bent into shape; together they cannot."""
    stretched = [
        make_pattern(name, zone, anisotropy=0.03, noise=0.01, seed=n).peaks
        for n, (name, zone) in enumerate([("Si", (1, 1, 0)), ("SrTiO3", (0, 0, 1))])
    ]
    verdicts = index_regions(stretched, SEVEN)
    assert [one.phase for one in verdicts] == ["Si", "SrTiO3"]
    for one in verdicts:
        difference = one.distortion[0, 0] - one.distortion[1, 1]
        assert difference == pytest.approx(0.03, abs=0.004)
        assert np.trace(one.distortion) == pytest.approx(2)
        assert np.array_equal(one.distortion, verdicts[0].distortion)


def test_forbidden_spots_are_marked(make_pattern, peaks_of, identify):
    pattern = make_pattern("Si", (1, 1, 0), noise=0.005)
    base = np.linalg.inv(catalogue.get("Si").base).T * 10
    forbidden = np.array([0, 0, 2]) @ base @ pattern.orientation[:2].T
    spots = np.vstack([pattern.spots, forbidden])
    power = np.append(pattern.intensity, 0.05 * pattern.intensity.max())
    verdict = identify(peaks_of(spots, 0.01, power), ["Si", "SrTiO3"])
    assert verdict.phase == "Si" and verdict.forbidden[-1] and not verdict.forbidden[:-1].any()
    assert sorted(np.abs(verdict.hkl[-1])) == [0, 0, 2]

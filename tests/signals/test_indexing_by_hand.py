"""A person decides about phases: accept one, limit the search, and see what it predicts."""

from __future__ import annotations

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest

import hyperspy_twin as ht


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def reloaded(chain, tmp_path_factory):
    """Indexed spectrum as another session finds it."""
    path = tmp_path_factory.mktemp("by_hand") / "indexed.hspy"
    chain.indexed.save(path)
    return hs.load(path)


def texts(signal, **options):
    """All labels of the plot of a spectrum."""
    signal.plot(**options)
    collections = [c for axis in map(plt.figure, plt.get_fignums()) for c in axis.axes]
    found = [c._texts for axis in collections for c in axis.collections if hasattr(c, "_texts")]
    return [text for table in found for text in table]


def test_second_choice_is_accepted(reloaded):
    region = reloaded.phases[1].region
    decided = reloaded.accept_phase(region, "Si")
    record = decided.phases[1]
    assert (record.phase, record.zone_axis, record.ties) == ("Si", (1, 1, 0), ())
    assert record.reason.startswith("accepted by the user; Si [110] explains")
    assert "Ge [110] has a score" in record.reason
    assert [match.phase for match in record.ranking] == ["Si", "Ge"]
    assert record.hkl.shape == reloaded.phases[1].hkl.shape and record.hkl.any()
    assert decided.metadata.Twin.phases[1:] == reloaded.metadata.Twin.phases[1:]
    assert decided.history[-1]["step"] == "accept_phase"
    assert decided.history[-1]["parameters"] == {"region": region, "phase": "Si", "crystal": 1}
    assert reloaded.phases[1].phase == "Ge"


@pytest.mark.parametrize("name", ["Ge", "Ge [110]", "Ge [1 1 0]", "Ge[-110]", 1])
def test_phases_are_named_in_many_ways(chain, name):
    record = chain.indexed.accept_phase(2, name).phases[2]
    assert record.phase == "Ge" and record.score == chain.indexed.phases[2].score
    assert "has a score" not in record.reason


def test_accepted_again_keeps_saying_what_the_spots_prefer(chain):
    twice = chain.indexed.accept_phase(1, "Si").accept_phase(1, "Si").phases[1]
    assert "Ge [110] has a score" in twice.reason
    assert [match.phase for match in twice.ranking] == ["Si", "Ge"]


@pytest.mark.parametrize("wrong", ["GaAs", "Ge [111]", 0, 3])
def test_what_is_not_ranked_is_answered_with_the_ranking(chain, wrong):
    with pytest.raises(ValueError, match=r"1 is Ge \[110\].*2 is Si \[110\]"):
        chain.indexed.accept_phase(1, wrong)


def test_steps_before_indexing_are_named(chain):
    for act in (
        lambda: chain.found.accept_phase(1, "Ge"),
        lambda: chain.found.constrain_phases(phase="Ge"),
        lambda: chain.found.plot(phase="Ge"),
        lambda: chain.found.crystal_map(),
        lambda: chain.found.epitaxy(),
    ):
        with pytest.raises(ValueError, match="index_phases"):
            act()
    with pytest.raises(ValueError, match="no region 9"):
        chain.indexed.accept_phase(9, "Ge")


def test_tie_without_a_pixel_size_is_settled_by_hand(tied):
    decided = tied
    for record in tied.phases:
        decided = decided.accept_phase(record.region, record.ties[0])
    scales = [record.scale for record in decided.phases]
    assert all(not record.ties for record in decided.phases)
    assert np.ptp(scales) / scales[0] < 0.03
    assert abs(scales[0] / tied.phases[1].scale - 1) > 0.03
    assert "elsewhere" in decided.phases[1].reason


def test_search_is_limited_to_a_phase(reloaded):
    limited = reloaded.constrain_phases(phase="Si", region=2)
    _, second, _ = limited.phases
    assert second.phase == "Si" and second.region == 2
    assert second.reason.startswith("limited by the user to Si; ")
    stored, before = limited.metadata.Twin.phases, reloaded.metadata.Twin.phases
    assert stored[0] == before[0] and stored[2] == before[2] and stored[1] != before[1]
    assert limited.history[-1]["step"] == "constrain_phases"
    assert limited.history[-1]["parameters"]["phase"] == ["Si"]
    assert [record.phase for record in reloaded.constrain_phases(phase=["Si"]).phases] == ["Si"] * 3


@pytest.mark.parametrize("axis", [(1, 1, 0), "[1-10]", [(1, 1, 0), (0, 0, 1)], ["[110]", "[001]"]])
def test_search_is_limited_to_zone_axes(chain, axis):
    limited = chain.indexed.constrain_phases(zone_axis=axis)
    for record in limited.phases:
        assert record.phase == "Ge"
        assert sorted(map(abs, record.zone_axis)) == [0, 1, 1]
        assert not any("[" in tie for tie in record.ties)


def test_wrong_zone_axis_explains_nothing(chain):
    limited = chain.indexed.constrain_phases(zone_axis=(1, 0, 0), region=1)
    assert limited.phases[1].phase is None
    assert "limited by the user to [100]" in limited.phases[1].reason
    assert limited.phases[2].phase == "Ge"


def test_both_senses_of_a_zone_axis_are_meant_where_they_differ():
    """Along [111] of a monoclinic crystal the two senses have mirrored patterns."""
    from hyperspy_twin.crystals.indexing.user_decisions import _add_opposites, read_directions
    from hyperspy_twin.crystals.structures import catalogue

    oxide, silicon = catalogue.get("ZrO2"), catalogue.get("Si")
    assert _add_opposites(read_directions((1, 1, 1)), [silicon]) == [(1, 1, 1)]
    assert _add_opposites(read_directions("[111]"), [oxide]) == [(1, 1, 1), (-1, -1, -1)]
    assert _add_opposites(read_directions([(0, 1, 0)]), [oxide]) == [(0, 1, 0), (0, -1, 0)]
    assert _add_opposites(read_directions([(1, 0, 1)]), [oxide]) == [(1, 0, 1)]


def test_limits_that_say_nothing_or_are_unknown(chain):
    with pytest.raises(ValueError, match="give what you know"):
        chain.indexed.constrain_phases(region=1)
    with pytest.raises(ValueError, match="'Fe' is not among the candidates: they are Si, Ge"):
        chain.indexed.constrain_phases(phase=["Ge", "Fe"])
    with pytest.raises(ValueError, match="no direction"):
        chain.indexed.constrain_phases(zone_axis="upwards")
    with pytest.raises(ValueError, match="no region 9"):
        chain.indexed.constrain_phases(phase="Ge", region=9)


def test_decided_phases_go_through_the_chain(reloaded):
    decided = reloaded.accept_phase(1, "Ge").constrain_phases(zone_axis=(1, 1, 0), region=2)
    model = decided.gpa().to_atoms(thickness=1.0)
    assert set(model.region) == {1, 2, 3}


def test_plot_names_the_phase_and_bars_its_negative_indices(chain):
    found = texts(chain.indexed, region=1)
    assert r"Ge $[110]$" in found
    assert any(r"\overline{1}" in text for text in found)


def test_plot_of_any_ranked_phase(chain):
    for phase in ("Si [110]", 2):
        assert r"Si $[110]$" in texts(chain.indexed, region=2, phase=phase)
        plt.close("all")
    with pytest.raises(ValueError, match="not ranked"):
        chain.indexed.plot(region=2, phase="Fe")
    assert not chain.indexed.metadata.has_item("Markers")


def test_all_regions_are_navigated_with_their_patterns(chain):
    found = texts(chain.indexed, phase="Si")
    assert r"Si $[110]$" in found


def test_predicted_pattern_lies_on_the_spots(chain):
    """The nearest predicted reflection of each spot is as close as the residual says."""
    from hyperspy_twin.signals._figures import spectrum_markers

    record, peaks = chain.indexed.phases[1], chain.indexed._spectrum(1).peaks
    _, _, points, *_, diamonds = spectrum_markers([peaks], [record], ())
    reflections = np.concatenate([points.kwargs["offsets"], diamonds.kwargs["offsets"]])
    explained = peaks.position[record.hkl[:, 0] != 0]
    distance = np.linalg.norm(explained[:, None] - reflections, axis=2).min(axis=1)
    assert np.all(distance < 0.02 * np.linalg.norm(explained, axis=1))
    # Reflections {002} and {222} are forbidden in diamond structures.
    assert len(diamonds.kwargs["offsets"]) >= 4


def test_hexagonal_zone_axis_is_asked_for_by_four_indices(shared_file):
    image = ht.load(shared_file("data/example_Se_implanted_MoS2.dm3"))
    found = image.segment().find_peaks(show_progressbar=False).index_phases(["MoS2"])
    region = next(record.region for record in found.phases if record.phase)
    limited = found.constrain_phases(zone_axis=(0, 0, 0, 1), region=region)
    record = next(record for record in limited.phases if record.region == region)
    assert (record.phase, record.zone_axis) == ("MoS2", (0, 0, 1))
    labels = texts(limited, region=region)
    assert r"MoS2 $[0001]$" in labels
    assert any(label.startswith("$") and label.count(r"\overline") for label in labels)


@pytest.fixture(scope="module")
def overlapping():
    """Two crystals of gold seen through each other along [001], turned by 27 degrees."""
    from hyperspy_twin.crystals import find_zone_reflections
    from hyperspy_twin.crystals.structures import catalogue

    y, x = np.mgrid[:400, :400] * 0.02
    image = np.random.default_rng(0).normal(0, 1.0, x.shape)
    waves = find_zone_reflections(catalogue.get("Au"), (0, 0, 1), 8.0).vector[:, :2]
    for degrees in (5, 32):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        for g_x, g_y in waves @ np.array([[c, s], [-s, c]]):
            image += 0.3 * np.cos(2 * np.pi * (g_x * x + g_y * y))
    micrograph = ht.Micrograph(image)
    for axis, name in zip(micrograph.axes_manager.signal_axes, "xy", strict=True):
        axis.scale, axis.units, axis.name = 0.02, "nm", name
    whole = ht.SegmentedImage.from_labels(micrograph, np.ones(image.shape, int))
    found = whole.find_peaks(show_progressbar=False).index_phases(["Au", "Ag"])
    assert len(found.phases[1].further) == 1
    return found


def test_both_crystals_of_a_region_are_shown_and_decided(overlapping):
    decided = overlapping.accept_phase(1, "Ag").accept_phase(1, "Ag", crystal=2)
    record = decided.phases[1]
    assert record.phase == record.further[0].phase == "Ag"
    assert record.ties == record.further[0].ties == ()
    assert texts(decided).count(r"Ag $[001]$") == 2
    peaks = decided.peaks(1)
    assert np.all((peaks["h"] != 0) | (peaks["k"] != 0))
    with pytest.raises(ValueError, match="no crystal 3 in region 1: there are 2"):
        overlapping.accept_phase(1, "Ag", crystal=3)


def test_crystals_of_one_region_have_a_relation_and_calibrate_together(overlapping):
    relation = overlapping.epitaxy()[0]
    assert (relation["first"], relation["second"]) == (1, 1)
    assert (relation["crystal_first"], relation["crystal_second"]) == (1, 2)
    assert relation["misorientation"] == pytest.approx(27.0, abs=0.05)
    silver = overlapping.accept_phase(1, "Au").accept_phase(1, "Au", crystal=2)
    right = silver.apply_calibration()
    assert right.calibration.scale == pytest.approx(1, abs=1e-4)
    assert right.phases[1].further[0].scale == pytest.approx(1, abs=0.01)


def test_a_decision_that_claims_the_spots_of_another_crystal_replaces_it(overlapping):
    from dataclasses import replace

    from hyperspy_twin.crystals.indexing.user_decisions import _settle

    record = overlapping.phases[1]
    assert _settle(record, 1, replace(record, further=())).further == record.further
    every_peak = replace(record.match, hkl=np.ones_like(record.hkl))
    assert _settle(record, 1, replace(record, match=every_peak, further=())).further == ()

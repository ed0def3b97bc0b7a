"""Alloys of open composition: families, their crystals, and x from the spacing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyperspy_twin as ht
from hyperspy_twin.crystals import (
    Composition,
    IndexingSettings,
    alloys,
    as_candidates,
    as_crystal,
    calibrate,
    family_of,
    index_regions,
    rescale_record,
)
from hyperspy_twin.crystals.structures import family_of_member

NAMES = ["Si1-xGex", "InxGa1-xAs", "InAs1-xSbx", "AlxGa1-xAs", "GaAs1-xPx"]
EXACT = IndexingSettings(pixel_size_error=0.0)


def pattern_of(make_pattern, phase, noise=0.0, seed=0):
    """Peaks along [110] of a bundled crystal, or of an alloy: those of an end at its spacings."""
    crystal = as_crystal(phase)
    bundled = family_of_member(crystal)
    end = crystal.name if bundled is None else bundled.ends[0]
    peaks = make_pattern(end, (1, 1, 0), noise=noise, seed=seed).peaks
    factor = as_crystal(end).lattice[0] / crystal.lattice[0]
    return replace(
        peaks,
        position=np.asarray(peaks.position) * factor,
        error=np.asarray(peaks.error) * factor,
    )


@pytest.mark.parametrize(
    ("name", "x", "constant"),
    [
        ("Si1-xGex", 0.7, 5.5842),  # 5.431 + 0.20 x + 0.027 x**2
        ("Si1-xGex", 0.0, 5.431),
        ("InxGa1-xAs", 0.53, 5.8679),  # lattice-matched to InP, 5.8697
        ("InAs1-xSbx", 0.09, 6.0962),  # lattice-matched to GaSb, 6.0959
        ("AlxGa1-xAs", 1.0, 5.6611),
        ("GaAs1-xPx", 0.4, 5.5722),
    ],
)
def test_lattice_constants_of_the_literature(name, x, constant):
    assert family_of(name).lattice_constant(x) == pytest.approx(constant, abs=2e-4)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.sampled_from(NAMES), st.floats(0, 1))
def test_composition_is_the_inverse_of_the_lattice_constant(name, x):
    family = family_of(name)
    assert family.composition(family.lattice_constant(x)) == pytest.approx(x, abs=1e-9)
    step = 1e-6
    change = family.lattice_constant(x + step) - family.lattice_constant(x - step)
    assert family.slope(x) == pytest.approx(change / (2 * step), rel=1e-4, abs=1e-8)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.sampled_from(NAMES), st.floats(0.01, 0.99))
def test_crystal_holds_both_elements_in_their_amounts(name, x):
    family = family_of(name)
    crystal = family.crystal(x)
    amount = {element: 0.0 for element in family.elements}
    for symbol, occupancy in zip(crystal.symbols, crystal.occupancy, strict=True):
        amount[symbol] += occupancy
    mixed = amount[family.replaced] + amount[family.replacing]
    assert amount[family.replacing] / mixed == pytest.approx(x)
    assert sum(amount.values()) == pytest.approx(8)
    assert crystal.lattice[0] == family.lattice_constant(x)
    assert "(1964)" in crystal.source or "(2001)" in crystal.source


def test_alloys_are_offered_by_elements_and_by_name():
    offered = [crystal.name for crystal in as_candidates(None, ["Ge", "Si"])]
    assert {"Si", "Ge", "Si1-xGex"} <= set(offered)
    assert "Si1-xGex" not in [crystal.name for crystal in as_candidates(None, ["Si"])]
    assert "Si1-xGex" not in [crystal.name for crystal in as_candidates(["Si", "Ge"], ["Si", "Ge"])]
    assert as_crystal("SiGe").name == ht.phases.get("Si1-xGex").name == "Si1-xGex"
    assert {"InxGa1-xAs", "GaAs", "InAs"} <= set(
        ht.phases.search(elements=["In", "Ga", "As"]).names
    )


def test_stated_compositions_are_crystals():
    crystal = as_crystal("In0.53Ga0.47As")
    assert crystal.name == "In0.53Ga0.47As" and family_of(crystal) is None
    assert crystal.lattice[0] == pytest.approx(5.8679, abs=2e-4)
    share = dict(zip(crystal.symbols, crystal.occupancy, strict=True))
    assert share == pytest.approx({"In": 0.53, "Ga": 0.47, "As": 1.0})
    with pytest.raises(ValueError, match="add to 1, not to 0.9"):
        as_crystal("Si0.2Ge0.7")
    with pytest.raises(ValueError, match="no bundled structure"):
        as_crystal("Si1Ge2")
    with pytest.raises(ValueError, match="is the name of a bundled structure"):
        ht.phases.add(as_crystal("Si"), name="Si1-xGex")


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.sampled_from(NAMES[:3]), st.floats(0.2, 0.8), st.integers(0, 99))
def test_composition_from_the_spacing_with_its_error(make_pattern, name, x, seed):
    family = family_of(name)
    peaks = pattern_of(make_pattern, family.crystal(x), noise=0.005, seed=seed)
    (record,) = index_regions([peaks], [*family.ends, name], EXACT)
    assert record.phase == name and record.ties == ()
    found = record.composition
    assert abs(found.x - x) < 4 * found.error < 0.2
    assert record.match.crystal == family.crystal(found.x)
    assert record.scale == pytest.approx(1, abs=1e-9)
    assert str(found) in repr(record) and str(found) in record.reason


def test_composition_has_as_many_digits_as_its_error():
    assert str(Composition(0.7009126, 0.0012948)) == "x = 0.7009 ± 0.0013"
    assert str(Composition()) == "x withheld"


@pytest.mark.parametrize("end", ["Si", "Ge"])
@pytest.mark.parametrize("seed", range(3))
def test_ends_stay_the_answer(make_pattern, end, seed):
    peaks = pattern_of(make_pattern, end, noise=0.01, seed=seed)
    (record,) = index_regions([peaks], ["Si1-xGex", "Si", "Ge"], EXACT)
    assert (record.phase, record.composition, record.ties) == (end, None, ())


def test_error_of_the_pixel_size_enters_x(make_pattern):
    """1 % of a pixel size is about .25 in x."""
    peaks = pattern_of(make_pattern, as_crystal("Si0.3Ge0.7"), noise=0.001)
    errors = []
    for size in (0.0, 0.001, 0.004, 0.01):
        (record,) = index_regions([peaks], ["Si1-xGex"], replace(EXACT, pixel_size_error=size))
        assert abs(record.composition.x - 0.7) < 0.02
        errors.append(record.composition.error)
    assert errors[0] < 0.01
    assert errors[1:] == pytest.approx([0.0235, 0.094, 0.235], rel=0.1)


@pytest.mark.parametrize(
    "known", [{}, {"calibration_error": 0.03}, {"pixel_size_error": 0.05}, {"calibrated": False}]
)
def test_x_is_withheld_without_a_trusted_scale(make_pattern, known):
    peaks = pattern_of(make_pattern, as_crystal("Si0.3Ge0.7"), noise=0.001)
    (record,) = index_regions([peaks], ["Si1-xGex"], IndexingSettings(**known))
    assert record.phase == "Si1-xGex"
    assert np.isnan(record.composition.x) and np.isnan(record.composition.error)
    assert "x of Si1-xGex is withheld" in record.reason
    with pytest.raises(ValueError, match="composition of every alloy is open"):
        calibrate([record], [peaks], (0.03, 0.03))


def test_alloy_that_nobody_asked_for_is_named_only(make_pattern):
    peaks = pattern_of(make_pattern, "Ge")
    asked = IndexingSettings(alloys_asked=False)
    (record,) = index_regions([peaks], ["Si", "Ge", "Si1-xGex"], asked)
    (plain,) = index_regions([peaks], ["Si", "Ge"])
    assert (record.phase, record.score) == (plain.phase, plain.score)
    assert record.reason.startswith(plain.reason) and "not weighed" in record.reason
    assert record.reason.endswith("Si1-xGex")


def test_pixel_size_behind_a_composition_stays(make_pattern):
    peaks = pattern_of(make_pattern, as_crystal("Si0.3Ge0.7"), noise=0.001)
    records = index_regions([peaks], ["Si1-xGex", "Ge"], EXACT)
    report = calibrate(records, [peaks], (0.03, 0.03), known_error=0.0)
    assert report.pixel_size == (0.03, 0.03) and report.exact
    changed = rescale_record(records[0], (1.01, 1.01))
    assert not changed.composition.known and "pixel size was changed" in changed.composition.reason
    assert rescale_record(records[0], (1.0, 1.0)).composition == records[0].composition


@pytest.mark.parametrize("alloy", ["Si1-xGex", "Si0.3Ge0.7"])
def test_order_of_candidates_does_not_matter(make_pattern, alloy):
    peaks = pattern_of(make_pattern, as_crystal("Si0.3Ge0.7"), noise=0.005)
    seen = set()
    for names in (["Si", "Ge", alloy], [alloy, "Ge", "Si"], ["Ge", alloy, "Si"]):
        (record,) = index_regions([peaks], names, EXACT)
        seen.add((record.phase, record.ties, round(record.probability, 9), record.reason))
    ((phase, ties, *_),) = seen
    assert (phase, ties) == (alloy, ())


def test_names_of_families_are_those_of_the_guide():
    assert list(alloys.names()) == NAMES

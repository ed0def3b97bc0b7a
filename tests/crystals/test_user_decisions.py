"""What a person decides about records."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hyperspy_twin.crystals import (
    IndexingSettings,
    accept_phase,
    calibrate,
    catalogue,
    constrain_phases,
    index_regions,
    read_directions,
    rescale_record,
)

CANDIDATES = [catalogue.get(name) for name in ("Si", "Ge", "SrTiO3")]
SETTINGS = IndexingSettings(calibrated=False)


@pytest.fixture(scope="module")
def silicon(make_pattern):
    """Two regions of silicon without a pixel size, which germanium explains as well."""
    peaks = []
    for region, angle in ((4, 0.3), (9, 1.2)):
        own = make_pattern("Si", (1, 1, 0), angle).peaks
        error = np.full(own.position.shape, 1e-4)
        peaks.append(replace(own, position=own.position * 0.01, error=error, region=region))
    return index_regions(peaks, CANDIDATES, SETTINGS), peaks


def test_accepted_phase_has_no_ties_and_other_records_stay(silicon):
    records, peaks = silicon
    assert records[0].ties
    options = {"candidates": CANDIDATES, "settings": SETTINGS}
    first, second = accept_phase(records, peaks, 4, "Ge [110]", **options)
    assert (first.region, first.phase, first.zone_axis, first.ties) == (4, "Ge", (1, 1, 0), ())
    assert first.reason.startswith("accepted by the user; Ge [110] explains")
    assert second is records[1] and len(first.hkl) == len(peaks[0])
    with pytest.raises(ValueError, match=r"not ranked: for region 4, 1 is"):
        accept_phase(records, peaks, 4, "Au", **options)
    with pytest.raises(ValueError, match="no crystal 2 in region 4"):
        accept_phase(records, peaks, 4, 1, crystal=2, **options)
    with pytest.raises(KeyError, match="regions with one are 4, 9"):
        accept_phase(records, peaks, 5, 1, **options)


def test_limits_of_one_region_leave_the_others(silicon):
    records, peaks = silicon
    found = constrain_phases(
        records, peaks, CANDIDATES, SETTINGS, zone_axes="[1-10]", phases="Ge", region=9
    )
    assert found[0] is records[0]
    assert found[1].reason.startswith("limited by the user to Ge, [1 -1 0]; ")
    assert {match.phase for match in found[1].ranking} == {"Ge"}
    with pytest.raises(ValueError, match="'Au' is not among the candidates: they are Si, Ge"):
        constrain_phases(records, peaks, CANDIDATES, SETTINGS, phases=["Au"])
    with pytest.raises(ValueError, match="give what you know"):
        constrain_phases(records, peaks, CANDIDATES, SETTINGS)


def test_one_direction_or_several():
    assert read_directions((1, 1, 0)) == read_directions("[110]") == [(1, 1, 0)]
    assert read_directions(["110", (0, 0, 2)]) == [(1, 1, 0), (0, 0, 1)]


def test_ties_leave_the_pixel_size_open_until_one_is_chosen(silicon):
    records, peaks = silicon
    with pytest.raises(ValueError, match="which leaves the pixel size open"):
        calibrate(records, peaks, (0.01, 0.01))
    decided = accept_phase(records, peaks, 4, "Si", candidates=CANDIDATES, settings=SETTINGS)
    report = calibrate(decided, peaks, (1.0, 1.0))
    assert report.regions == (4,) and report.source == "the crystals of region 4"
    assert report.scale == pytest.approx(0.01, rel=1e-3)
    again = rescale_record(decided[0], report.pixel_size)
    assert again.scale == pytest.approx(1, rel=1e-3)
    assert again.match.scale == pytest.approx(1, rel=1e-3)
    assert again.hkl is decided[0].hkl

"""What a report says first: the image, the answers in short, and what is doubtful."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyperspy_twin as ht
from hyperspy_twin.core import Calibration
from hyperspy_twin.crystals import RegionPhase, catalogue
from hyperspy_twin.summary import (
    SMALLEST_DISTORTION,
    doubts_of_scale,
    facts,
    name_phase,
    notes_on_image,
    title_of,
)

STATED = Calibration((0.02, 0.02), "file a.ser")


def measured(scale=1.0, error=0.001, anisotropy=0.0, shear=0.0):
    return Calibration.known(
        (0.02 * scale, 0.02 * scale),
        "the crystals of region 1",
        pixel_size_error=(0.02 * error, 0.02 * error),
        scale=scale,
        scale_error=error,
        anisotropy=anisotropy,
        anisotropy_error=100 * error,
        shear=shear,
        shear_error=float(np.degrees(error)),
        regions=(1,),
    )


def test_wrong_scale_is_a_warning_with_its_size_and_the_remedy():
    (text,) = doubts_of_scale(measured(0.9663), STATED)
    assert "The crystals say that the pixel size is off by 3.4 %: x 0.019326 ± 0.000020" in text
    assert "below that of file a.ser" in text and "apply_calibration()" in text


def test_scale_that_was_set_by_the_crystals_is_said():
    right = Calibration.known(
        (0.021, 0.021), "the crystals of region 1", scale=1.0, scale_error=0.001, regions=(1,),
        pixel_size_error=(1e-5, 1e-5), anisotropy=0.0, anisotropy_error=0.1, shear=0.0,
        shear_error=0.1,
    )  # fmt: skip
    (text,) = doubts_of_scale(right, STATED, applied=True)
    assert text == "The pixel size was set by the crystals, 5 % above that of file a.ser"


def test_anisotropy_and_shear_are_told():
    longer, sheared = doubts_of_scale(measured(anisotropy=-2.25, shear=1.5), STATED)
    assert "longer along y than along x, by 2.25 ± 0.10 % more than the file says" in longer
    assert "sheared by +1.500 ± 0.057°" in sheared


def test_image_without_pixel_size_has_no_wrong_one():
    assert doubts_of_scale(measured(1.2), Calibration(None, "file a.png")) == []


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.floats(0.8, 1.2), st.floats(1e-4, 0.05))
def test_only_what_matters_and_is_significant_is_told(scale, error):
    told = bool(doubts_of_scale(measured(scale, error), STATED))
    assert told == (abs(scale - 1) > SMALLEST_DISTORTION and abs(scale - 1) > 3 * error)


def record(match, reason="", ties=()):
    return RegionPhase(1, match, 3, 0.9, 1.0, np.eye(2), reason, ties)


def test_ties_are_named_with_the_phase():
    ge = SimpleNamespace(crystal=catalogue.get("Ge"), zone_axis=(1, 1, 0), composition=None)
    assert name_phase(record(ge, ties=("Si", "GaAs [100]"))) == "Ge [110] or Si or GaAs [100]"
    assert (
        name_phase(record(None, "no lattice seen: no peak stands out"))
        == "no phase (no lattice seen)"
    )


@pytest.fixture
def image():
    signal = ht.Micrograph(np.random.default_rng(0).random((40, 60)).astype("f4"))
    signal.calibrate(0.05)
    return signal


def test_facts_of_the_file(image):
    for key, value in {
        "General.title": "HAADF",
        "General.original_filename": "gold.emd",
        "General.date": "2019-08-13",
        "General.time": "15:32:02",
        "Acquisition_instrument.TEM.microscope": "Titan",
        "Acquisition_instrument.TEM.beam_energy": np.float64(300.0),
        "Sample.description": "particles",
        "Sample.elements": ["Au"],
    }.items():
        image.metadata.set_item(key, value)
    assert title_of(image) == "gold.emd"
    found = dict(facts(image))
    assert found.pop("pixel size") == "0.05 nm per pixel, from the value given"
    assert found == {
        "title": "HAADF",
        "date": "2019-08-13 15:32:02",
        "instrument": "Titan, 300 kV",
        "sample": "particles, Au",
        "image": "60 × 40 pixels, 3 × 2 nm",
    }


@pytest.mark.parametrize("value", ["Unknown", "", [1, 2], {"a": 1}, None, float("nan")])
def test_what_the_file_does_not_tell_is_said(image, value):
    for key in ("General.date", "Acquisition_instrument.TEM.microscope", "Sample.description"):
        image.metadata.set_item(key, value)
    image.metadata.set_item("Acquisition_instrument.TEM.beam_energy", value)
    found = dict(facts(image))
    assert {found[name] for name in ("date", "instrument", "sample")} == {"not stated in the file"}


def test_notes_tell_what_was_assumed_and_left_out(image):
    assert notes_on_image(image, SimpleNamespace(_bad_pixels_text="")) == []
    bad = SimpleNamespace(_bad_pixels_text="1 bad pixel")
    stated = replace(image.calibration, source="file, unit missing: nm assumed")
    signal = SimpleNamespace(calibration=replace(stated, pixel_values="colours made grey"))
    assert notes_on_image(signal, bad) == [
        "The pixel size is that of file, unit missing: nm assumed",
        "Colours made grey",
        "Left out: 1 bad pixel (see bad_pixels)",
    ]
    bare = SimpleNamespace(calibration=Calibration(None, "file a.png", note="72 dpi: not used"))
    (text,) = notes_on_image(bare, SimpleNamespace(_bad_pixels_text=""))
    assert "not known (72 dpi: not used)" in text and "call s.calibrate" in text

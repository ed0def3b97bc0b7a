"""Pixel sizes: units as instruments write them, and what a person states instead."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_twin.io.calibration import (
    Calibration,
    calibration_of,
    is_length,
    is_missing,
    is_print,
    nanometres_per_unit,
    pixel_size_from_known_spacing,
    pixel_size_from_scale_bar,
    pixel_size_from_value,
    read_calibration,
)

positive = st.floats(1e-4, 1e3)


@pytest.mark.parametrize(
    ("unit", "nanometres"),
    [
        ("pm", 1e-3),
        ("Å", 0.1),
        ("A", 0.1),
        ("angstrom", 0.1),
        ("nm", 1),
        (" nm ", 1),
        ("n_m", 1),
        ("µm", 1e3),
        ("μm", 1e3),
        ("um", 1e3),
        ("micron", 1e3),
        ("mm", 1e6),
        ("cm", 1e7),
        ("m", 1e9),
    ],
)
def test_unit_as_instruments_write_it(unit, nanometres):
    assert nanometres_per_unit(unit) == nanometres
    assert is_length(unit)


@pytest.mark.parametrize("unit", ["1/nm", "1 / nm", "mrad", "eV", "s", "nM", "inch"])
def test_unit_that_is_no_length(unit):
    assert not is_length(unit)
    with pytest.raises(ValueError, match="not a unit of length: give one of"):
        nanometres_per_unit(unit)


@pytest.mark.parametrize(
    ("unit", "nanometres"),
    [
        *dict.fromkeys(["NM", "Nm", "(nm)", "[nm]", "nm\0", "nm/px", "nm per pixel"], 1).items(),
        *dict.fromkeys(["Nanometer", "NANOMETRES", "nanometers"], 1).items(),
        *dict.fromkeys(["\u00c5", "\u212b", "A\u030a", "\\u00C5", "\\u212B"], 0.1).items(),
        *dict.fromkeys(["\\xc5", "&Aring;", "\u00c3\u0085", "Angstroms"], 0.1).items(),
        *dict.fromkeys(["ANGSTROM", "ångström", " Å ", "Å/pix"], 0.1).items(),
        *dict.fromkeys(["UM", "MICRON", "Microns", "\u00b5m", "\u03bcm"], 1e3).items(),
        *dict.fromkeys(["\u00c2\u00b5m", "&micro;m", "\\xb5m"], 1e3).items(),
        ("PM", 1e-3),
        ("MM", 1e6),
    ],
)
def test_unit_in_capitals_escapes_and_brackets(unit, nanometres):
    assert nanometres_per_unit(unit) == nanometres


@pytest.mark.parametrize("unit", ["pix", "Pixels", "PIXEL", "<undefined>", "None", " ", "unknown"])
def test_unit_that_is_missing(unit):
    assert is_missing(unit) and is_length(unit) and not is_print(unit)
    assert read_calibration((1.0, 1.0), (unit, unit), assumed_unit="nm").pixel_size is None


@pytest.mark.parametrize("unit", ["inch", "in", "DPI", "ppi", "dots per inch"])
def test_unit_of_a_print_is_no_scale(unit):
    calibration = read_calibration((1 / 72, 1 / 72), (unit, unit))
    assert calibration.pixel_size is None
    assert f"{unit} per pixel is a print resolution: not used" in calibration.note


@pytest.mark.parametrize("unit", ["1/nm", "nm^-1", "nm⁻¹", "1/Å", "1/px", "deg", "°", "km", "Hz"])
def test_reciprocal_and_other_units_are_no_length(unit):
    assert not is_length(unit) and not is_missing(unit)


def test_length_that_no_image_has_is_refused_and_that_of_a_print_is_not():
    with pytest.raises(ValueError, match="1.016e\\+08 m per pixel is no length in an image"):
        read_calibration((1.0157e8, 1.0157e8), ("m", "m"))
    assert "print or camera" in read_calibration((0.0254, 0.0254), ("m", "m")).note


@pytest.mark.parametrize(("scale", "unit"), [(2e-11, "nm"), (0.02, "pm")])
def test_pixel_finer_than_any_scan_is_not_used(scale, unit):
    calibration = read_calibration((scale, scale), (unit, unit))
    assert calibration.pixel_size is None
    assert "finer than any microscope scans: not used" in calibration.note


def test_both_axes_in_their_own_unit():
    calibration = read_calibration((0.2, 2e-4), ("nm", "µm"))
    assert calibration.pixel_size == pytest.approx((0.2, 0.2))
    assert calibration.square and calibration.note == ""


def test_pixels_that_are_not_square_are_kept_and_reported():
    calibration = read_calibration((0.2, 0.21), ("nm", "nm"), "file a.dm4")
    assert calibration.pixel_size == (0.2, 0.21)
    assert not calibration.square
    assert "y/x = 1.05" in calibration.note
    assert "not square" in repr(calibration) and "file a.dm4" in repr(calibration)


@pytest.mark.parametrize("unit", ["", "<undefined>", "px"])
def test_scale_one_without_a_unit_is_no_calibration(unit):
    calibration = read_calibration((1.0, 1.0), (unit, unit), assumed_unit="nm")
    assert calibration.pixel_size is None
    assert "not calibrated" in repr(calibration)


def test_scale_without_a_unit_is_not_used_unless_a_unit_is_assumed():
    unknown = read_calibration((0.03, 0.03), ("", ""))
    assert unknown.pixel_size is None
    assert "no unit" in unknown.note
    assumed = read_calibration((0.03, 0.03), ("<undefined>", "<undefined>"), "file a", "nm")
    assert assumed.pixel_size == (0.03, 0.03)
    assert assumed.source == "file a, unit missing: nm assumed"


def test_unit_of_one_axis_serves_the_other():
    calibration = read_calibration((0.5, 0.5), ("µm", ""))
    assert calibration.pixel_size == (500, 500)
    assert "unit of y missing: µm assumed" in calibration.source


@pytest.mark.parametrize("scale", [0.0, -0.1, math.nan, math.inf])
def test_scale_that_is_no_length(scale):
    calibration = read_calibration((scale, 0.1), ("nm", "nm"))
    assert calibration.pixel_size is None
    assert "is not a length" in calibration.note


def test_resolution_of_a_printer_is_not_a_pixel_size():
    calibration = read_calibration((25.4 / 300, 25.4 / 300), ("mm", "mm"))
    assert calibration.pixel_size is None
    assert "84.67 µm per pixel is a print or camera resolution" in calibration.note


def test_reciprocal_axes_are_refused():
    with pytest.raises(ValueError, match="'1/nm' is not a unit of length"):
        read_calibration((0.1, 0.1), ("1/nm", "1/nm"))


@given(x=positive, y=positive, note=st.text(), source=st.text())
def test_record_comes_back_from_its_text(x, y, note, source):
    calibration = calibration_of((x, y), source, note)
    assert Calibration.from_json(calibration.to_json()) == calibration


def test_record_without_a_scale_comes_back_from_its_text():
    calibration = Calibration(None, "file b.png", note="no pixel size in the file")
    assert Calibration.from_json(calibration.to_json()) == calibration


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"pixel_size": [1]}'])
def test_broken_record(text):
    with pytest.raises(ValueError, match="not a calibration record"):
        Calibration.from_json(text)


def test_pixel_size_from_value():
    assert pixel_size_from_value(0.02) == (0.02, 0.02)
    assert pixel_size_from_value((0.02, 0.021)) == (0.02, 0.021)


def test_pixel_size_from_scale_bar():
    assert pixel_size_from_scale_bar(5, 250) == (0.02, 0.02)


def test_pixel_size_from_spacing_in_pixels():
    # Graphene {100}: 19.65 pixels for 0.2130 nm.
    assert pixel_size_from_known_spacing(19.65, 0.2130) == pytest.approx((0.01084, 0.01084), 1e-3)


@given(size=positive, ratio=st.floats(0.8, 1.25), error=st.floats(0.8, 1.25))
def test_known_spacing_removes_a_wrong_magnification(size, ratio, error):
    present = (size * error, size * ratio * error)
    measured, true = 10 * present[0], 10 * size
    assert pixel_size_from_known_spacing(measured, true, present) == pytest.approx(
        (size, size * ratio)
    )


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "wide", None])
def test_values_that_are_no_sizes(value):
    for call in (
        lambda: pixel_size_from_value(value),
        lambda: pixel_size_from_scale_bar(value, 10),
        lambda: pixel_size_from_scale_bar(5, value),
        lambda: pixel_size_from_known_spacing(value, 0.2),
        lambda: pixel_size_from_known_spacing(0.2, value),
        lambda: pixel_size_from_known_spacing(0.2, 0.2, (value, 1)),
        lambda: calibration_of((1, value), "me"),
    ):
        with pytest.raises(ValueError, match="must be a (positive )?number"):
            call()


def test_pixel_size_of_three_numbers():
    with pytest.raises(ValueError, match=r"one number or \(x, y\)"):
        pixel_size_from_value((1, 2, 3))

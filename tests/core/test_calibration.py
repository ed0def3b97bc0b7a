from __future__ import annotations

import pytest

from hyperspy_twin.core import Calibration


def test_pixels_that_are_not_square_are_noted():
    report = Calibration.known((0.1, 0.11), "me", note="a note")
    assert not report.square and report.note == "a note; pixels are not square: y/x = 1.1000"
    assert Calibration.known((0.1, 0.1), "me").note == ""
    assert Calibration(None, "me").square


def test_what_crystals_measured_is_shown_and_not_stored():
    report = Calibration.known(
        (0.01, 0.01), "the crystals of region 2", pixel_size_error=(1e-5, 2e-5), scale=1.01,
        scale_error=2e-3, anisotropy=0.5, anisotropy_error=0.1, shear=-0.2, shear_error=0.1,
        regions=(2,),
    )  # fmt: skip
    assert repr(report) == (
        "<Calibration: x 0.010000 ± 0.000010, y 0.010000 ± 0.000020 nm per pixel, from the "
        "crystals of region 2; scale 1.0100 ± 0.0020, anisotropy +0.50 ± 0.10 %, "
        "shear -0.20 ± 0.10°>"
    )
    stored = Calibration.from_json(report.to_json())
    assert stored == Calibration((0.01, 0.01), "the crystals of region 2")


def test_no_zero_has_a_minus():
    report = Calibration.known(
        (0.01, 0.01), "crystals", anisotropy=-1e-9, anisotropy_error=0.1, shear=-0.0,
        shear_error=0.1, scale=1.0, scale_error=0.1, regions=(1,),
    )  # fmt: skip
    assert "-0.00" not in repr(report)
    assert "anisotropy 0.00" in repr(report) and "shear 0.00" in repr(report)


@pytest.mark.parametrize("error", [0.0, 3.6e-8])
def test_error_that_is_none_is_not_shown(error):
    report = Calibration.known((0.036, 0.036), "the image", pixel_size_error=(error, error))
    assert str(report) == "0.036 nm per pixel (exact), from the image"
    report = Calibration.known((0.036, 0.04), "the image", pixel_size_error=(error, error))
    assert str(report).startswith("0.036 nm x 0.04 nm per pixel (not square, exact), from")


def test_small_error_is_shown():
    report = Calibration.known((0.036, 0.036), "the image", pixel_size_error=(7.2e-7, 7.2e-7))
    assert "± " in str(report) and not report.exact

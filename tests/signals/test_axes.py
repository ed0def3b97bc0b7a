"""Mirrored, exchanged, cropped axes and other units: the answer of the chain is the true one."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hyperspy_twin as ht

PIXEL = 0.02
UNITS = {"nm": 1.0, "Å": 10.0, "\\u00C5": 10.0, "NM": 1.0, "µm": 1e-3, "pm": 1e3, "m": 1e-9}


def silicon(shape=(150, 190), pixel=PIXEL):
    """Columns of Si [110] with noise: plane waves of the conventional rectangle."""
    y, x = np.mgrid[: shape[0], : shape[1]] * pixel
    image = np.random.default_rng(1).normal(0, 0.2, shape)
    for h, k, weight in ((1, 1, 1.0), (1, -1, 1.0), (0, 2, 0.7), (2, 0, 0.6)):
        gx, gy = h * np.sqrt(2) / 0.5431, k / 0.5431
        image += weight * np.cos(2 * np.pi * (gx * x + gy * y))
    return image.astype(np.float32)


IMAGE = silicon()


def micrograph(scale=(PIXEL, PIXEL), unit="nm", offset=(0.0, 0.0), image=IMAGE):
    signal = hs.signals.Signal2D(image)
    for axis, name, value, start in zip(
        signal.axes_manager.signal_axes, "xy", scale, offset, strict=True
    ):
        axis.name, axis.scale, axis.offset, axis.units = name, value, start, unit
    signal.set_signal_type("Micrograph")
    return signal


def phase_of(image):
    found = image.segment().find_peaks(show_progressbar=False).index_phases(["Si", "Ge"])
    assert len(found.phases) == 1
    return found.phases[1]


@given(
    unit=st.sampled_from(list(UNITS)),
    signs=st.tuples(*[st.sampled_from([1, -1])] * 2),
    mirror=st.tuples(*[st.sampled_from([1, -1])] * 2),
    transpose=st.booleans(),
    save=st.booleans(),
)
@settings(max_examples=8, derandomize=True, deadline=None)
def test_phase_and_pixel_size_do_not_depend_on_signs_order_and_units(
    tmp_path_factory, unit, signs, mirror, transpose, save
):
    scale = tuple(PIXEL * UNITS[unit] * sign for sign in signs)
    image = micrograph(scale, unit).isig[:: mirror[0], :: mirror[1]]
    if transpose:
        image = image.transpose(signal_axes=[1, 0])
    if save:
        path = tmp_path_factory.mktemp("axes") / "image.hspy"
        image.save(path)
        image = ht.load(path)
        assert all(axis.scale > 0 for axis in image.axes_manager.signal_axes)
    assert image.calibration.pixel_size == pytest.approx((PIXEL, PIXEL))
    record = phase_of(image)
    assert record.phase == "Si" and record.ties == ()
    assert record.scale == pytest.approx(1, abs=0.003)


def test_mirrored_image_is_told_once_and_keeps_the_places_of_its_pixels(caplog):
    image = micrograph(offset=(1.0, 2.0))
    mirrored = image.isig[::-1]
    assert "x axis runs backwards" in mirrored.calibration.note
    with caplog.at_level("WARNING", logger="hyperspy_twin"):
        segmented = mirrored.segment()
    assert caplog.text.count("x axis runs backwards") == 1
    x = segmented.axes_manager["x"]
    assert x.scale == pytest.approx(PIXEL)
    assert x.offset == pytest.approx(-(1.0 + PIXEL * (IMAGE.shape[1] - 1)))
    np.testing.assert_array_equal(segmented.data, IMAGE[:, ::-1])
    assert "runs backwards" in segmented.metadata.Twin.calibration
    assert mirrored.axes_manager["x"].scale == pytest.approx(-PIXEL)


def test_mirrored_twice_is_not_mirrored(tmp_path):
    micrograph((-PIXEL, PIXEL)).save(tmp_path / "backwards.hspy")
    s = ht.load(tmp_path / "backwards.hspy")
    assert "x axis runs backwards" in s.calibration.note
    assert "backwards" not in s.isig[::-1].calibration.note
    assert "y axis runs backwards" in s.isig[:, ::-1].calibration.note


def test_pixels_that_are_not_square_follow_a_transposed_image():
    image = micrograph((PIXEL, 2 * PIXEL)).transpose(signal_axes=[1, 0])
    assert image.calibration.pixel_size == pytest.approx((2 * PIXEL, PIXEL))
    assert "transposed" in image.calibration.note


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_scale_that_is_none_is_named(axis, value):
    image = micrograph()
    image.axes_manager[axis].scale = value
    assert image.calibration.pixel_size is None
    assert f"scale of the {axis} axis is {value}" in image.calibration.note
    for call in (image.segment, lambda: ht.SegmentedImage.from_labels(image, IMAGE > 0)):
        with pytest.raises(ValueError, match=rf"scale of the {axis} axis is {value}.*calibrate"):
            call()
    image.calibrate(PIXEL)
    assert image.segment().axes_manager[axis].scale == PIXEL


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_offset_that_is_none_is_named():
    image = micrograph(offset=(np.nan, 0.0))
    with pytest.raises(ValueError, match="offset of the x axis is nan"):
        image.segment()


@pytest.fixture(scope="module")
def halves():
    """A flat left part and a lattice to the right."""
    data = IMAGE.copy()
    data[:, :70] = np.random.default_rng(2).normal(4, 0.2, (150, 70))
    return micrograph(image=data, offset=(3.0, 1.0))


def test_outlines_stay_in_place_in_every_second_pixel_and_in_crops(halves):
    segmented = halves.segment("edges")
    labels = segmented.labels.data
    np.testing.assert_array_equal(segmented.isig[20:, 10:].labels.data, labels[10:, 20:])
    np.testing.assert_array_equal(segmented.isig[5::2, ::3].labels.data, labels[::3, 5::2])


@pytest.mark.parametrize(
    "turn",
    [
        lambda s: s.isig[::-1],
        lambda s: s.isig[:, ::-2],
        lambda s: s.transpose(signal_axes=list(s.axes_manager.signal_axes)[::-1]),
    ],
)
def test_results_of_a_turned_image_are_refused(chain, turn):
    segmented, found, strain = map(turn, (chain.segmented, chain.indexed, chain.strain))
    message = "runs backwards.*mirror the micrograph|exchanged.*transpose the micrograph"
    calls = [
        lambda: segmented.find_peaks(show_progressbar=False),
        lambda: segmented.labels,
        lambda: segmented.regions,
        lambda: segmented.particles,
        lambda: found.gpa(),
        lambda: found.image(),
        lambda: strain.e_xx,
        lambda: strain.to_atoms(1.0),
        lambda: strain.regions,
    ]
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call()


def test_strain_along_another_axis_is_refused(chain):
    with pytest.raises(ValueError, match="components have to lie along the navigation axis"):
        _ = chain.strain.transpose(signal_axes=[1, 0]).e_xx


def test_columns_of_a_model_in_another_order_are_refused(chain):
    with pytest.raises(ValueError, match="columns of this model were sliced away"):
        _ = chain.model.isig[::-1].positions
    np.testing.assert_array_equal(chain.model.inav[::-1].positions, chain.model.positions[::-1])


@pytest.mark.parametrize("unit", ["Å", "0.1 nm"])
def test_pixel_size_that_is_ten_times_too_small_withholds_the_answer(unit):
    image = micrograph(unit="Å") if unit == "Å" else micrograph((0.002, 0.002))
    record = image.segment().find_peaks(show_progressbar=False).index_phases(["Si", "Ge"])
    assert record.crystallinity[1] == "unknown"
    assert record.phases[1].phase is None
    assert "beyond 1/0.05" in record.phases[1].reason
    assert "pixel size is too small by about 10 times" in record.phases[1].reason


def test_noise_of_a_fine_scan_is_no_lattice_beyond():
    noise = np.random.default_rng(0).normal(size=(150, 190)).astype(np.float32)
    found = micrograph((0.005, 0.005), image=noise).segment().find_peaks(show_progressbar=False)
    assert found.crystallinity[1] == "no lattice seen"

"""Pictures: the values of the pixels mean what the writer of the file meant."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import hyperspy_twin as ht

GREY = np.random.default_rng(3).integers(20, 220, (18, 22), dtype=np.uint8)
REC709 = np.array([0.2126, 0.7152, 0.0722])


def said(signal):
    """What the report says of the values, which a saved file keeps."""
    return signal.calibration.pixel_values


def coloured(weights, grey=GREY):
    return np.rint(grey[..., None] * np.asarray(weights)).astype(np.uint8)


@given(weights=st.tuples(*[st.sampled_from([0.0, 0.3, 0.5, 1.0])] * 3),
       suffix=st.sampled_from(["png", "bmp", "tif"]))  # fmt: skip
@settings(max_examples=25, derandomize=True, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_luminance_of_any_channels(tmp_path, weights, suffix):
    picture = coloured(weights)
    Image.fromarray(picture).save(tmp_path / f"a.{suffix}")
    s = ht.load(tmp_path / f"a.{suffix}")
    if len(set(weights)) == 1:
        assert s.data.dtype == np.uint8 and said(s) == ""
        np.testing.assert_array_equal(s.data, picture[..., 0])
    else:
        assert s.data.dtype == np.float32 and said(s) == "colours turned into luminance"
        np.testing.assert_allclose(s.data, picture @ REC709, rtol=1e-5)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_cyan_map_and_red_bar_with_one_warning(tmp_path, caplog, suffix):
    bar = coloured((1, 1, 1))
    bar[3:5, 2:9] = (255, 0, 0)
    for picture, right in ((coloured((0, 1, 1)), 0.7874 * GREY[3, 2]), (bar, 0.2126 * 255)):
        caplog.clear()
        Image.fromarray(picture).save(tmp_path / f"a.{suffix}")
        s = ht.load(tmp_path / f"a.{suffix}")
        assert s.data[3, 2] == pytest.approx(right, rel=1e-5)
        assert caplog.text.count("luminance") == 1


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_with_transparency(tmp_path, suffix):
    alpha = np.full_like(GREY, 255)
    for hidden, note in ((0, ""), (3, "transparency of 3 pixels ignored")):
        alpha.flat[:hidden] = 0
        pair = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(alpha)])
        pair.save(tmp_path / f"a.{suffix}")
        s = ht.load(tmp_path / f"a.{suffix}")
        assert type(s) is ht.Micrograph and s.axes_manager.navigation_dimension == 0
        np.testing.assert_array_equal(s.data, GREY)
        assert said(s) == note


@pytest.mark.parametrize("suffix", ["png", "gif", "bmp", "tif"])
def test_palettes_are_applied(tmp_path, suffix):
    ramp = np.arange(256, dtype=np.uint8)
    for palette, indices, right in (
        (np.stack([255 - ramp] * 3, axis=1), 255 - GREY, GREY),
        (np.stack([0 * ramp, ramp, ramp], axis=1), GREY, 0.7874 * GREY),
    ):
        picture = Image.fromarray(indices).convert("L")
        picture.putpalette(palette.ravel().tolist())
        picture.save(tmp_path / f"a.{suffix}")
        s = ht.load(tmp_path / f"a.{suffix}")
        np.testing.assert_allclose(s.data, right, rtol=1e-5)


def write_png_of_16_bits(path, pixels, kind):
    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows, columns = pixels.shape[:2]
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", columns, rows, 16, kind, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
                     + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))  # fmt: skip


def test_pictures_of_16_bits(tmp_path):
    deep = GREY.astype(np.uint16) * 257
    write_png_of_16_bits(tmp_path / "grey.png", deep, 0)
    s = ht.load(tmp_path / "grey.png")
    assert s.data.dtype == np.uint16 and said(s) == ""
    np.testing.assert_array_equal(s.data, deep)
    colours = np.dstack([deep, deep // 2, deep // 3])
    write_png_of_16_bits(tmp_path / "rgb.png", colours, 2)
    s = ht.load(tmp_path / "rgb.png")
    assert "16 bits read with 8" in said(s)
    np.testing.assert_allclose(s.data, (colours >> 8) @ REC709, rtol=1e-5)
    tifffile.imwrite(tmp_path / "rgb.tif", colours, photometric="rgb")
    s = ht.load(tmp_path / "rgb.tif")
    assert said(s) == "colours turned into luminance"
    np.testing.assert_allclose(s.data, colours @ REC709, rtol=1e-5)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4", "?"])
def test_white_is_zero_is_inverted_and_said(tmp_path, dtype, lazy):
    stored = (GREY > 100) if dtype == "?" else (255 - GREY).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite")
    s = ht.load(tmp_path / "a.tif", lazy=lazy)
    assert "0 means white" in said(s)
    values = np.asarray(s.data)
    assert values.dtype == stored.dtype
    # The brightest pixel of the picture is the one that the writer stored lowest.
    assert np.corrcoef(values.ravel().astype(float), stored.ravel().astype(float))[0, 1] < -0.999
    if dtype == "u1":
        np.testing.assert_array_equal(values, GREY)
    if dtype == "u2":
        np.testing.assert_array_equal(values, 65535 - stored)


def test_tables_of_imagej_do_not_change_the_values(tmp_path):
    ramp = np.arange(256, dtype=np.uint8)
    for table, said_of_it in ((255 - ramp, "inverted table"), (ramp, "")):
        metadata = {"LUTs": [np.stack([table] * 3)], "mode": "grayscale"}
        tifffile.imwrite(tmp_path / "a.tif", GREY, imagej=True, metadata=metadata)
        s = ht.load(tmp_path / "a.tif")
        np.testing.assert_array_equal(s.data, GREY)
        assert said_of_it in said(s) and bool(said(s)) == bool(said_of_it)


@pytest.mark.parametrize("dtype", ["i2", "f4", "u2"])
def test_plain_tiff_keeps_values_and_type(tmp_path, dtype):
    values = (GREY.astype(float) - (0 if dtype == "u2" else 100)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values)
    s = ht.load(tmp_path / "a.tif")
    assert s.data.dtype == values.dtype and said(s) == ""
    np.testing.assert_array_equal(s.data, values)


@pytest.mark.parametrize("options", [
    {"photometric": "separated", "channels": 4, "dtype": "u1"},
    {"photometric": "cielab", "channels": 3, "dtype": "u1"},
    {"photometric": "rgb", "channels": 3, "dtype": "f4"},
])  # fmt: skip
def test_colours_that_are_not_read_are_refused_by_name(tmp_path, options):
    data = np.dstack([GREY] * options["channels"]).astype(options["dtype"])
    tifffile.imwrite(tmp_path / "a.tif", data, photometric=options["photometric"])
    with pytest.raises(ValueError, match="save it as a grey or") as error:
        ht.load(tmp_path / "a.tif")
    assert "damaged" not in str(error.value)


def test_frames_of_a_picture_are_a_series(tmp_path):
    frames = [Image.fromarray(GREY), Image.fromarray(GREY // 2)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    s = ht.load(tmp_path / "a.gif")
    assert s.axes_manager.navigation_shape == (2,)
    np.testing.assert_array_equal(s.data, [GREY, GREY // 2])


def test_what_was_done_to_the_values_stays_in_the_report(tmp_path):
    Image.fromarray(coloured((0, 1, 1))).save(tmp_path / "a.png")
    s = ht.load(tmp_path / "a.png")
    s.calibrate(0.02)
    s.save(tmp_path / "a.hspy")
    again = ht.load(tmp_path / "a.hspy")
    assert again.calibration.pixel_size == (0.02, 0.02)
    assert "luminance" in repr(again.calibration)


def test_orientation_tag_is_told(tmp_path):
    picture = Image.fromarray(GREY)
    tags = picture.getexif()
    tags[0x0112] = 6
    picture.save(tmp_path / "a.jpg", exif=tags)
    assert "orientation tag (6)" in said(ht.load(tmp_path / "a.jpg"))

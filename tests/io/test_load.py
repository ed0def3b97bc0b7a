"""Loading: every file gives calibrated micrographs and its other data, or one clear line."""

from __future__ import annotations

import logging
import shutil

import hyperspy.api as hs
import numpy as np
import pytest
import tifffile
from hyperspy.signals import ComplexSignal2D, LazySignal2D, Signal1D, Signal2D
from PIL import Image

import hyperspy_twin as ht
from hyperspy_twin import Micrograph
from hyperspy_twin.io.axes import calibrate_signal, calibration_of_signal, to_nanometres
from hyperspy_twin.io.calibration import Calibration
from hyperspy_twin.signals.micrograph import LazyMicrograph

logging.getLogger("hyperspy.io").setLevel(logging.ERROR)


@pytest.fixture
def saved(tmp_path):
    """Write an image with given units to a file and give its path."""

    def write(shape=(6, 8), units="nm", scale=0.1, name="image.hspy", dtype="uint16", **metadata):
        data = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
        signal = Signal2D(data)
        for axis in signal.axes_manager.signal_axes:
            axis.scale = scale
            if units is not None:
                axis.units = units
        signal.metadata.add_dictionary(metadata)
        path = tmp_path / name
        signal.save(path, overwrite=True)
        return path

    return write


# ---- which data become micrographs ----


def test_image_becomes_a_micrograph_in_nm(saved):
    s = ht.load(saved(units="µm", scale=2e-4, General={"title": "device"}))
    assert type(s) is Micrograph
    x, y = s.axes_manager.signal_axes
    assert (x.name, y.name, x.units, y.units) == ("x", "y", "nm", "nm")
    assert (x.scale, y.scale) == pytest.approx((0.2, 0.2))
    assert s.data.dtype == np.uint16
    assert s.metadata.General.title == "device"
    np.testing.assert_array_equal(s.data, np.arange(48).reshape(6, 8))


@pytest.mark.parametrize("name", ["my device.hspy", "a.b.tif", "c.png", "d.hspy"])
@pytest.mark.parametrize("title", ["", "  "])
def test_title_is_the_name_of_the_file_where_there_is_none(saved, name, title):
    path = saved(name=name, dtype="uint8", General={"title": title})
    s = ht.load(path)
    assert s.metadata.General.title == name
    assert name in repr(s)
    s.save(path.with_name("again.hspy"))
    assert ht.load(path.with_name("again.hspy")).metadata.General.title == name


def test_title_of_spectra_and_of_several_data_sets(tmp_path):
    Signal1D(np.arange(9.0)).save(tmp_path / "spectrum.hspy")
    assert ht.load(tmp_path / "spectrum.hspy").metadata.General.title == "spectrum.hspy"
    with tifffile.TiffWriter(tmp_path / "two.tif") as writer:
        for size in (8, 9):
            writer.write(np.zeros((size, size), "u1"), photometric="minisblack")
    titles = [s.metadata.General.title for s in ht.load(tmp_path / "two.tif")]
    assert titles == ["two.tif", "two.tif"]


def test_path_as_text_and_lazy(saved):
    s = ht.load(str(saved()), lazy=True)
    assert type(s) is LazyMicrograph
    assert s.axes_manager[0].units == "nm"
    s.compute()
    assert type(s) is Micrograph


def test_series_of_images_is_a_micrograph_and_a_scan_of_images_is_not(saved):
    assert isinstance(ht.load(saved((3, 6, 8))), Micrograph)
    scan = ht.load(saved((2, 3, 6, 8), units="µm"))
    assert type(scan) is Signal2D
    assert scan.axes_manager.signal_axes[0].units == "µm"


@pytest.mark.parametrize("units", ["1/nm", "mrad"])
def test_diffraction_pattern_by_its_units(saved, units):
    s = ht.load(saved(units=units))
    assert type(s) is Signal2D
    assert s.axes_manager[0].units == units and s.axes_manager[0].scale == 0.1


def test_diffraction_pattern_by_its_type(saved):
    s = ht.load(saved(Signal={"signal_type": "electron_diffraction"}))
    assert not isinstance(s, Micrograph)


def test_other_data_keep_their_type(tmp_path):
    Signal1D(np.arange(5.0)).save(tmp_path / "line.hspy")
    ComplexSignal2D(np.ones((4, 5), complex)).save(tmp_path / "wave.hspy")
    assert type(ht.load(tmp_path / "line.hspy")) is Signal1D
    assert type(ht.load(tmp_path / "wave.hspy")) is ComplexSignal2D


def test_list_pattern_and_stack(saved, tmp_path):
    paths = [saved(name=f"image_{i}.hspy") for i in (1, 2, 10)]
    several = ht.load(str(tmp_path / "image_*.hspy"))
    assert [s.tmp_parameters.original_filename for s in several] == [p.stem for p in paths]
    assert all(isinstance(s, Micrograph) for s in [*several, *ht.load(paths[:2])])
    stack = ht.load(paths, stack=True)
    assert isinstance(stack, Micrograph) and stack.axes_manager.shape == (3, 8, 6)


@pytest.mark.parametrize("lazy", [False, True])
def test_folder_of_zarr(saved, lazy):
    pytest.importorskip("zarr")
    s = ht.load(saved(units="µm", name="image.zspy"), lazy=lazy)
    assert type(s) is (LazyMicrograph if lazy else Micrograph)
    assert s.axes_manager[0].scale == pytest.approx(100)


def test_name_with_brackets(saved):
    assert isinstance(ht.load(str(saved(name="image[1].hspy"))), Micrograph)


def test_saved_micrograph_keeps_its_calibration(saved, tmp_path):
    s = ht.load(saved(units="µm"))
    s.save(tmp_path / "again.hspy")
    again = ht.load(tmp_path / "again.hspy")
    assert type(again) is Micrograph
    assert again.calibration == s.calibration
    assert again.axes_manager[0].scale == pytest.approx(100)


def test_position_axes_make_room_for_x_and_y(tmp_path):
    s = Signal2D(np.ones((3, 6, 8)))
    s.axes_manager.navigation_axes[0].name = "x"
    s.save(tmp_path / "line.hspy")
    axes = ht.load(tmp_path / "line.hspy").axes_manager
    assert [axes[i].name for i in range(3)] == ["position_x", "x", "y"]


# ---- what the file tells about the pixel size ----


def test_scale_without_unit_in_a_hyperspy_file_is_nm_with_a_warning(saved, caplog):
    path = saved(units=None, scale=0.009)
    with caplog.at_level("WARNING", logger="hyperspy_twin"):
        s = ht.load(path)
    assert s.calibration.pixel_size == (0.009, 0.009)
    assert "unit missing: nm assumed" in s.calibration.source
    assert "nm assumed" in caplog.text


def test_scale_with_an_empty_unit_is_not_used(saved):
    s = ht.load(saved(units="", scale=0.03125))
    assert s.calibration.pixel_size is None
    assert s.axes_manager[0].scale == 1 and s.axes_manager[0].units == "px"


def test_scale_that_another_format_gave_without_a_unit_is_not_used(saved):
    history = {"0": {"operation": "load", "io_plugin": "rsciio.tiff"}}
    s = ht.load(saved(units=None, scale=0.02, General={"FileIO": history}))
    assert s.calibration.pixel_size is None


@pytest.mark.parametrize(("unit", "size"), [("nm", 0.02), ("\\u00B5m", 20), ("", None)])
def test_unit_that_imagej_wrote(tmp_path, unit, size):
    path = tmp_path / "imagej.tif"
    image = np.ones((6, 8), np.uint8)
    tifffile.imwrite(path, image, imagej=True, resolution=(50, 50), metadata={"unit": unit})
    s = ht.load(path)
    assert s.calibration.pixel_size == (size and pytest.approx((size, size)))


def test_offset_stays_at_its_pixel(tmp_path):
    s = Signal2D(np.ones((6, 8)))
    for axis in s.axes_manager.signal_axes:
        axis.scale, axis.offset, axis.units = 0.5, 4.0, "µm"
    s.save(tmp_path / "cropped.hspy")
    assert ht.load(tmp_path / "cropped.hspy").axes_manager[0].offset == pytest.approx(4000)


def test_image_typed_by_hand_is_brought_to_nm_on_demand():
    s = Signal2D(np.ones((6, 8)))
    for axis in s.axes_manager.signal_axes:
        axis.scale, axis.units = 20, "pm"
    s.set_signal_type("Micrograph")
    assert s.calibration.pixel_size == pytest.approx((0.02, 0.02))
    assert s.axes_manager[0].units == "pm"
    assert to_nanometres(s).source == "axes"
    assert s.axes_manager[0].units == "nm" and s.axes_manager[0].scale == pytest.approx(0.02)


def test_binned_image_reports_its_present_pixel_size(saved):
    s = ht.load(saved()).rebin(scale=(2, 2))
    assert s.calibration.pixel_size == pytest.approx((0.2, 0.2))
    assert "changed after file image.hspy" in s.calibration.source


# ---- what a person tells about it ----


@pytest.mark.parametrize(
    ("how", "size"),
    [
        ({"pixel_size": 0.02}, (0.02, 0.02)),
        ({"pixel_size": (0.02, 0.03)}, (0.02, 0.03)),
        ({"scale_bar": (5, 250)}, (0.02, 0.02)),
        ({"spacing": (0.4, 0.38)}, (0.095, 0.095)),
    ],
)
def test_calibrate(saved, how, size):
    s = ht.load(saved())
    calibrate_signal(s, **how)
    assert tuple(axis.scale for axis in s.axes_manager.signal_axes) == pytest.approx(size)
    assert calibration_of_signal(s).pixel_size == pytest.approx(size)
    assert calibration_of_signal(s).source.startswith(("the value", "a scale bar", "a spacing"))


def test_spacing_in_pixels_calibrates_an_image_without_a_scale(saved):
    s = ht.load(saved(units="", scale=1.0))
    calibrate_signal(s, spacing=(19.65, 0.2130))
    assert s.axes_manager[0].scale == pytest.approx(0.2130 / 19.65)
    assert s.axes_manager[0].units == "nm"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, "exactly one of"),
        ({"pixel_size": 1, "spacing": (1, 1)}, "exactly one of"),
        ({"pixel_size": 0}, "positive number"),
        ({"scale_bar": 5}, "scale_bar must be two numbers"),
        ({"spacing": (0.4, -1)}, "true spacing must be a positive number"),
    ],
)
def test_calibrate_with_wrong_values_changes_nothing(saved, how, message):
    s = ht.load(saved())
    before = calibration_of_signal(s)
    with pytest.raises(ValueError, match=message):
        calibrate_signal(s, **how)
    assert calibration_of_signal(s) == before and s.axes_manager[0].scale == 0.1


# ---- colours ----


def test_grey_saved_as_colour_keeps_its_values(tmp_path):
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    Image.fromarray(np.dstack([grey] * 3 + [np.full_like(grey, 255)])).save(tmp_path / "a.png")
    s = ht.load(tmp_path / "a.png")
    assert type(s) is Micrograph and s.data.dtype == np.uint8
    np.testing.assert_array_equal(s.data, grey)


def test_colours_become_luminance_with_a_warning(tmp_path, caplog):
    colours = np.zeros((6, 8, 3), np.uint8)
    colours[:2, :, 0], colours[2:4, :, 1], colours[4:, :, 2] = 200, 200, 200
    Image.fromarray(colours).save(tmp_path / "a.png")
    with caplog.at_level("WARNING", logger="hyperspy_twin"):
        s = ht.load(tmp_path / "a.png")
    # Rec. 709, Y = 0.2126 R + 0.7152 G + 0.0722 B.
    np.testing.assert_allclose(s.data[::2, 0], [42.52, 143.04, 14.44], rtol=1e-6)
    assert "luminance" in caplog.text


def test_lazy_picture_and_lazy_colours(tmp_path):
    Image.fromarray(np.full((6, 8, 3), 7, np.uint8)).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", np.full((6, 8, 3), 7, np.uint8))
    for name in ("a.png", "a.tif"):
        s = ht.load(tmp_path / name, lazy=True)
        assert type(s) is LazyMicrograph
        assert (s.data.compute() == 7).all()


# ---- files that cannot be read ----


def one_line(error) -> str:
    text = str(error.value)
    assert "\n" not in text and len(text) < 400
    return text


def test_missing_file(tmp_path):
    for name in ("none.dm3", "none*.dm3"):
        with pytest.raises(FileNotFoundError, match="no such file") as error:
            ht.load(tmp_path / name)
        assert name in one_line(error)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(ValueError, match="no file given"):
        ht.load([])
    with pytest.raises(ValueError, match="is a folder"):
        ht.load(tmp_path)


@pytest.mark.parametrize("extension", ["dm3", "dm4", "emd", "emi", "ser", "tif", "hspy", "png"])
def test_empty_and_damaged_files(tmp_path, extension, caplog):
    path = tmp_path / f"file.{extension}"
    path.touch()
    with pytest.raises(ValueError, match="the file is empty"):
        ht.load(path)
    path.write_bytes(b"this is not what the name says " * 40)
    with pytest.raises(ValueError, match="cannot be read|holds no data") as error:
        ht.load(path)
    assert str(path) in one_line(error)
    assert "report" not in caplog.text


def test_unknown_format(tmp_path):
    path = tmp_path / "notes.xyz123"
    path.write_text("not an image")
    with pytest.raises(ValueError, match="unknown format"):
        ht.load(path)


def test_damaged_file_in_a_list_is_named(saved, tmp_path):
    bad = tmp_path / "bad.dm3"
    bad.write_bytes(b"nothing" * 20)
    with pytest.raises(ValueError, match=r"bad\.dm3: cannot be read"):
        ht.load([saved(), bad])


def test_emi_without_its_ser(shared_file, tmp_path):
    path = tmp_path / "lonely.emi"
    shutil.copy(shared_file("data/16_STOimage.emi"), path)
    with pytest.raises(ValueError, match=r"\.ser file .* must lie beside it") as error:
        ht.load(path)
    one_line(error)


# ---- files of real instruments ----

IMAGES = {
    "16_STOimage.emi": 0.0100127,
    "16_STOimage_1.ser": 0.0100127,
    "Acquisition_18.emd": 0.0122465,
    "BTO_crystal_1.dm4": 0.0296599,
    "BTO_crystal_2.dm4": 0.0355919,
    "Cropped_PTO-SRO_Aligned.hspy": 0.0149968,
    "JEOL_HAADF_CoS2_particles.dm4": 1.24901,
    "PTO_junction_filtered_HAADF.hspy": 0.0165593,
    "SAG_nanowire_304px.png": None,
    "SAG_nanowire_authors_labels.npy": None,
    "SI-HAADF.dm3": None,
    "SI-Survey.dm3": None,
    "STO_ADF.hspy": 0.00932627,
    "Si110_5nmX25us_03_none_none.png": None,
    "etspy_needle_HAADF_proj00.hspy": 3.36,
    "example_Au_nanoparticle.emd": 0.0074984,
    "example_Se_implanted_MoS2.dm3": 0.0126953,
    "graphene_defect_raw.dm3": None,
}
LAZY = {"BTO_crystal_1.dm4", "STO_ADF.hspy", "16_STOimage_1.ser", "SAG_nanowire_304px.png"}


@pytest.mark.parametrize(("name", "size"), IMAGES.items())
def test_real_image(shared_file, name, size):
    path = shared_file(f"data/{name}")
    s = ht.load(path)
    assert type(s) is Micrograph
    assert s.calibration.source.startswith(f"file {name}")
    assert s.calibration.pixel_size == (size and pytest.approx((size, size), rel=1e-5))
    assert s.axes_manager[0].units == ("nm" if size else "px")
    assert s.data.dtype == hs.load(path).data.dtype
    if name in LAZY:
        lazy = ht.load(path, lazy=True)
        assert isinstance(lazy, LazySignal2D) and type(lazy) is LazyMicrograph
        np.testing.assert_array_equal(lazy.data.compute(), s.data)


@pytest.mark.parametrize("name", ["README.md", "StatSTEM_ExamplePtIr_with_results.mat"])
def test_real_file_that_is_no_image(shared_file, name):
    with pytest.raises(ValueError, match="cannot be read") as error:
        ht.load(shared_file(f"data/{name}"))
    assert name in one_line(error)


def test_real_diffraction_pattern_whose_length_cannot_be_one(shared_file, caplog):
    s = ht.load(shared_file("data/64x64_diffraction_acquire_1.ser"))
    assert type(s) is Signal2D
    assert "not taken as a micrograph" in caplog.text and "no length in an image" in caplog.text


def test_real_file_with_the_unit_pix(shared_file):
    image = ht.load(shared_file("data/Hitachi_TM3030Plus.bcf"))[0]
    assert type(image) is Micrograph and image.calibration.pixel_size is None


def test_unit_that_is_not_understood_is_told_with_the_cure(saved, caplog):
    s = ht.load(saved(units="furlong"))
    assert type(s) is Signal2D and s.axes_manager[0].units == "furlong"
    assert "the unit 'furlong' of the x axis is not understood" in caplog.text
    s.set_signal_type("Micrograph")
    with pytest.raises(ValueError, match=r"'furlong' is not a unit of length.*s\.calibrate"):
        s.segment()
    s.calibrate(0.02)
    assert s.calibration.pixel_size == (0.02, 0.02)


def test_scale_of_zero_in_a_file_is_not_used_and_said(saved, caplog):
    s = ht.load(saved(scale=0.0))
    assert s.calibration.pixel_size is None and s.axes_manager[0].scale == 1
    assert "the scale of the x axis is 0.0: not used" in caplog.text


@pytest.mark.parametrize(("unit", "size"), [("\\u00C5", 0.002), ("NM", 0.02), ("inch", None)])
def test_unit_of_imagej_in_other_spellings(tmp_path, unit, size):
    path = tmp_path / "imagej.tif"
    image = np.ones((6, 8), np.uint8)
    tifffile.imwrite(path, image, imagej=True, resolution=(50, 50), metadata={"unit": unit})
    assert ht.load(path).calibration.pixel_size == (size and pytest.approx((size, size)))


def test_one_nanometre_per_pixel_of_imagej_is_a_scale(tmp_path):
    path = tmp_path / "imagej.tif"
    image = np.ones((6, 8), np.uint8)
    tifffile.imwrite(path, image, imagej=True, resolution=(1, 1), metadata={"unit": "nm"})
    assert ht.load(path).calibration.pixel_size == (1, 1)


def test_real_file_with_an_image_and_a_spectrum_line(shared_file):
    image, plot = ht.load(shared_file("data/multi_signal_no_lattice.dm3"))
    assert type(image) is Micrograph and type(plot) is Signal1D


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("EELS_STO.dm3", "EELSSpectrum"),
        ("SI-EELS.dm3", "EELSSpectrum"),
        ("FePt_core_shell_EDS.hspy", "EDSTEMSpectrum"),
    ],
)
def test_real_spectrum_keeps_its_type(shared_file, name, kind):
    pytest.importorskip("exspy")
    path = shared_file(f"data/{name}")
    s, plain = ht.load(path), hs.load(path)
    assert type(s).__name__ == kind
    assert s.axes_manager.as_dictionary() == plain.axes_manager.as_dictionary()


def test_real_bruker_file_gives_a_micrograph_and_spectra(shared_file):
    pytest.importorskip("exspy")
    image, spectra = ht.load(shared_file("data/IDP_0.bcf"))
    assert type(image) is Micrograph
    assert image.calibration.pixel_size == pytest.approx((13.0814, 13.0814), rel=1e-5)
    assert type(spectra).__name__ == "EDSTEMSpectrum"


def test_real_scan_of_diffraction_patterns_is_left_alone(shared_file):
    s = ht.load(shared_file("data/nanomegas_test1.blo"))
    assert s.axes_manager.navigation_dimension == 2
    assert not isinstance(s, Micrograph) and s.axes_manager[-1].units == "cm"


def test_every_real_file_is_named_here(shared_file):
    others = {
        "README.md",
        "StatSTEM_ExamplePtIr_with_results.mat",
        "multi_signal_no_lattice.dm3",
        "EELS_STO.dm3",
        "SI-EELS.dm3",
        "FePt_core_shell_EDS.hspy",
        "IDP_0.bcf",
        "Hitachi_TM3030Plus.bcf",
        "64x64_diffraction_acquire_1.ser",
        "nanomegas_test1.blo",
    }
    present = {path.name for path in shared_file("data").iterdir()}
    assert present <= set(IMAGES) | others


def test_calibration_is_kept_as_text_in_one_node(saved):
    s = ht.load(saved())
    text = s.metadata.Twin.calibration
    assert isinstance(text, str)
    assert Calibration.from_json(text) == s.calibration
